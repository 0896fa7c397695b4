#!/usr/bin/env node
// Holds the verifier against the running kernel's, program by program. Ends with a line of counts; non-zero exit when a
// program is accepted here that the kernel rejects, or when more than 0.5 % are rejected that it accepts.
//
//     npm run fuzz:verifier -- [COUNT [SEED]]      COUNT programs of the grammar (10000), from SEED on (1)
//       --one SEED       one program: both verdicts and logs at level 2, and where the logs part
//       --show N         differences to print of each kind (3)
//       --kinds A,B      only of these kinds (wrongly_accepted, wrongly_rejected, message, processed, states, not_reached)
//       --save FILE      every difference as a line that `--list` of `tsbpf verify` and the tests read
//       --capabilities A,B   who loads has these alone of bpf, perfmon, net_admin and sys_admin
//       --minimize       shortens each printed difference first
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { recordCase } from "./fuzz/cases.mjs";
import { generateProgram } from "./fuzz/generate.mjs";
import { askKernel } from "./fuzz/kernel.mjs";
import { firstDifference } from "./fuzz/logs.mjs";
import { minimize } from "./fuzz/minimize.mjs";
import { printProgram } from "./fuzz/print.mjs";
import { askOurs, compare } from "./fuzz/verifier-case.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    one: { type: "string" },
    show: { type: "string", default: "3" },
    kinds: { type: "string" },
    save: { type: "string" },
    capabilities: { type: "string" },
    minimize: { type: "boolean", default: false },
  },
});

const capabilities = values.capabilities?.split(",");

/** Program number `seed`, and who loads it. */
function programOf(seed) {
  const program = generateProgram(seed);
  return capabilities === undefined ? program : { ...program, capabilities };
}

function one(program) {
  const kernel = askKernel(program, { logLevel: 6 });
  const ours = askOurs(program, { logLevel: 2 });
  console.log(`=== kernel: ${kernel.accepted ? "accepted" : "rejected"} ${kernel.message}\n${kernel.log}`);
  console.log(`=== ours: ${ours.verdict} ${ours.message ?? ""}\n${ours.log}`);
  console.log(firstDifference(kernel.log, ours.log));
}

function describe(seed, kind, { kernel, ours }) {
  const theirs = kernel.accepted ? "accepted" : `rejected "${kernel.message}"`;
  return (
    `${kind}: seed ${seed}\n  ours    ${ours.verdict} "${ours.message ?? ""}" (${ours.processed}/${ours.totalStates})\n` +
    `  kernel  ${theirs} (${kernel.processed}/${kernel.totalStates})`
  );
}

function main() {
  const [count = 10_000, first = 1] = positionals.map(Number);
  const counts = {};
  const messages = new Map();
  let accepted = 0;
  for (let seed = first; seed < first + count; seed++) {
    const program = programOf(seed);
    const answer = compare(program);
    const { kind } = answer;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (answer.kernel.accepted) accepted++;
    if (kind === "agree" || (values.kinds !== undefined && !values.kinds.split(",").includes(kind))) continue;
    const shape = `${kind} ${(kind === "not_reached" ? answer.ours.message : answer.kernel.message || answer.ours.message || "").replace(/\d+/g, "N")}`;
    const seen = messages.get(shape) ?? { times: 0, seed };
    messages.set(shape, seen);
    if (++seen.times > Number(values.show)) continue;
    if (kind === "not_reached") continue;
    const small = values.minimize ? minimize(program, kind) : program;
    console.log(describe(seed, kind, compare(small)));
    if (values.minimize) console.log(printProgram(small));
    if (values.save !== undefined)
      appendFileSync(values.save, `${JSON.stringify(recordCase(small, `seed ${seed}`))}\n`);
  }
  for (const [shape, { times, seed }] of [...messages].sort((a, b) => b[1].times - a[1].times).slice(0, 40)) {
    console.log(`${String(times).padStart(6)} ${shape} (seed ${seed})`);
  }
  report(count, accepted, counts);
}

function report(count, accepted, counts) {
  const of = (kind) => counts[kind] ?? 0;
  console.log(
    `fuzz: ${count} programs, ${accepted} accepted by the kernel; ${of("agree")} agree in all; ` +
      `${of("wrongly_accepted")} wrongly accepted, ${of("wrongly_rejected")} wrongly rejected, ` +
      `${of("not_reached")} not reached, ${of("crashed")} crashed; equal verdicts with another message ${of("message")}, ` +
      `another number of instructions ${of("processed")}, of states ${of("states")}`,
  );
  const bad = of("wrongly_accepted") > 0 || of("crashed") > 0 || of("wrongly_rejected") > 0.005 * count;
  process.exitCode = bad ? 1 : 0;
}

if (values.one !== undefined) one(programOf(Number(values.one)));
else main();
