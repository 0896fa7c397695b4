#!/usr/bin/env node
// Asks the embedded verifier and the running kernel about every program of the objects in some directories.
//
//     node scripts/compare-verdicts.mjs [--json OUT.jsonl] [--seconds N] [--match TEXT] [--show KINDS] [--capabilities A,B] PATH...
//
// Prints the programs on which they differ in verdict (or in what --show names, e.g. verdict,message,processed), and ends
// with the agreement: verdicts, messages of the rejected, instructions processed, and the time against the kernel's. A
// program gets 60 seconds, or what --seconds says. Non-zero exit when something is accepted that the kernel rejects.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { comparedResult, compareProgram } from "../packages/cli/dist/verify/compare.js";
import { readObject } from "../packages/core/dist/index.js";
import { objectsIn } from "./fuzz/objects.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    capabilities: { type: "string" },
    json: { type: "string" },
    seconds: { type: "string", default: "60" },
    match: { type: "string" },
    show: { type: "string", default: "verdict" },
  },
});

async function compareObject(file, results) {
  let object;
  try {
    object = readObject(new Uint8Array(readFileSync(file)), { name: file });
  } catch {
    return;
  }
  for (const program of object.programs.values()) {
    const comparison = await compareProgram(file, object, program, {
      host: "machine",
      logLevel: 0,
      timeLimit: Number(values.seconds),
      capabilities: values.capabilities?.split(","),
    });
    const result = { ...comparedResult(comparison), slots: program.insns.length / 8 };
    results.push(result);
    if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(result)}\n`);
    if (wasAsked(result) && result.differences.some((difference) => values.show.split(",").includes(difference)))
      show(result);
  }
}

function show({ file, program, verdict, message, processed, kernel, differences }) {
  console.log(`${file} ${program}: ${differences.join(", ")}`);
  console.log(`  here    ${verdict} ${message} (${processed})`);
  console.log(`  kernel  ${kernel.verdict} ${kernel.message} (${kernel.processed})`);
}

function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

function percent(part, whole) {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(2)} %`;
}

/** The kernel's verifier saw the program: the loader was not stopped by something that this kernel lacks. */
function wasAsked({ kernel }) {
  return kernel.processed !== null || (kernel.verdict === "rejected" && kernel.message.startsWith("BPF_PROG_LOAD"));
}

function summarize(results) {
  const asked = results.filter(wasAsked);
  const count = (list, test) => list.filter(test).length;
  const equal = count(asked, (r) => r.verdict === r.kernel.verdict);
  const wronglyAccepted = count(asked, (r) => r.verdict === "accepted" && r.kernel.verdict === "rejected");
  const wronglyRejected = count(asked, (r) => r.verdict === "rejected" && r.kernel.verdict === "accepted");
  const notReached = count(asked, (r) => r.verdict === "not_reached");
  const rejected = asked.filter((r) => r.verdict === "rejected" && r.kernel.verdict === "rejected");
  const messages = count(rejected, (r) => r.message === r.kernel.message);
  const both = asked.filter((r) => r.verdict === r.kernel.verdict && r.kernel.processed !== null);
  const exact = count(both, (r) => r.processed === r.kernel.processed);
  const near = count(both, (r) => Math.abs(r.processed - r.kernel.processed) <= 0.1 * r.kernel.processed);
  const states = count(both, (r) => r.states === r.kernel.states);
  const large = both.filter((r) => r.kernel.processed > 1000 && r.kernel.verification_us > 0);
  const ratios = large.map((r) => r.verification_us / r.kernel.verification_us);
  console.log(
    `${asked.length} programs the kernel was asked about (${results.length - asked.length} it was not): ` +
      `${equal} equal verdicts (${percent(equal, asked.length)}), ${wronglyAccepted} wrongly accepted, ` +
      `${wronglyRejected} wrongly rejected, ${notReached} not reached`,
  );
  console.log(
    `${messages} of ${rejected.length} messages of the rejected equal (${percent(messages, rejected.length)})`,
  );
  console.log(
    `instructions processed: ${exact} of ${both.length} equal (${percent(exact, both.length)}), ` +
      `${near} within 10 % (${percent(near, both.length)}); states: ${states} equal`,
  );
  if (ratios.length > 0) {
    const total = (of) => large.reduce((sum, r) => sum + of(r), 0);
    const overall = total((r) => r.verification_us) / total((r) => r.kernel.verification_us);
    console.log(
      `time against the kernel's on ${large.length} programs of over 1,000 instructions processed: median ` +
        `${quantile(ratios, 0.5).toFixed(2)}, 90th percentile ${quantile(ratios, 0.9).toFixed(2)}, ` +
        `all together ${overall.toFixed(2)}`,
    );
  }
  return wronglyAccepted;
}

const results = [];
if (values.json !== undefined) writeFileSync(values.json, "");
const files = positionals
  .flatMap(objectsIn)
  .filter((file) => values.match === undefined || file.includes(values.match));
for (const file of files) await compareObject(file, results);
process.exitCode = summarize(results) > 0 ? 1 : 0;
