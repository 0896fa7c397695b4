#!/usr/bin/env node
// Holds the embedded verifier against the running kernel's on mutations of what compilers made: programs of the committed
// objects, or of those below the paths given, with an instruction or three changed. Ends with a line of counts; non-zero
// exit when something is accepted here that the kernel rejects, or more than 0.5 % rejected that it accepts.
//
//     npm run fuzz:objects -- [COUNT [SEED [PATH...]]]
//       --one SEED       that mutation alone, with both logs and where they part
//       --capabilities A,B   who loads has these alone of bpf, perfmon, net_admin and sys_admin
//       --kinds A,B      what to print (verdict, message, insn, processed, states; verdict and message if not given)
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { compareProgram } from "../packages/cli/dist/verify/compare.js";
import { readObject } from "../packages/core/dist/index.js";
import { firstDifference } from "./fuzz/logs.mjs";
import { mutateProgram } from "./fuzz/mutations.mjs";
import { objectsIn } from "./fuzz/objects.mjs";
import { randomFrom } from "./fuzz/random.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    capabilities: { type: "string" },
    one: { type: "string" },
    kinds: { type: "string", default: "verdict,message" },
  },
});
const [count = 2000, first = 1] = positionals.slice(0, 2).map(Number);
const paths = positionals.length > 2 ? positionals.slice(2) : ["testdata", "examples"];

/** `{ file, object, program }` of every program below the paths. */
function programsIn() {
  const programs = [];
  for (const file of paths.flatMap(objectsIn)) {
    try {
      const object = readObject(new Uint8Array(readFileSync(file)), { name: file });
      if (object.endianness === "big") continue;
      for (const program of object.programs.values()) programs.push({ file, object, program });
    } catch {
      // Objects that are made to be refused.
    }
  }
  return programs;
}

async function compareMutation(programs, seed, logLevel) {
  const random = randomFrom(seed);
  const { file, object, program } = random.pick(programs);
  const mutation = mutateProgram(program, random);
  const comparison = await compareProgram(file, object, mutation.program, {
    host: "machine",
    logLevel,
    timeLimit: 30,
    capabilities: values.capabilities?.split(","),
  });
  return { file, ...mutation, ...comparison };
}

function kindOf({ machine, kernel, differences }) {
  // The loader was stopped before the verifier was asked.
  if (kernel.processed === null) return "not asked";
  if (machine.verdict === "not_reached") return "not_reached";
  if (machine.verdict === "accepted" && kernel.verdict === "rejected") return "wrongly_accepted";
  if (machine.verdict === "rejected" && kernel.verdict === "accepted") return "wrongly_rejected";
  return differences[0] ?? "agree";
}

function show(seed, kind, { file, program, changes, machine, kernel }) {
  console.log(`${kind}: seed ${seed}, ${file} ${program.name}: ${changes.join(", ")}`);
  console.log(`  here    ${machine.verdict} ${machine.message} (${machine.processed}/${machine.states})`);
  console.log(`  kernel  ${kernel.verdict} ${kernel.message} (${kernel.processed}/${kernel.states})`);
}

async function main() {
  const programs = programsIn();
  if (values.one !== undefined) {
    const answer = await compareMutation(programs, Number(values.one), 2);
    show(Number(values.one), kindOf(answer), answer);
    console.log(`=== kernel\n${answer.kernel.log}\n=== ours\n${answer.machine.log}`);
    console.log(firstDifference(answer.kernel.log, answer.machine.log));
    return;
  }
  const counts = {};
  let accepted = 0;
  for (let seed = first; seed < first + count; seed++) {
    const answer = await compareMutation(programs, seed, 0);
    const kind = kindOf(answer);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (answer.kernel.verdict === "accepted") accepted++;
    const verdict = kind.startsWith("wrongly") || kind === "not_reached";
    if (values.kinds.split(",").includes(verdict ? "verdict" : kind)) show(seed, kind, answer);
  }
  const of = (kind) => counts[kind] ?? 0;
  const asked = count - of("not asked");
  console.log(
    `fuzz: ${asked} mutations of ${programs.length} programs the kernel was asked about (${of("not asked")} it was not), ` +
      `${accepted} accepted; ${of("agree")} agree in all; ${of("wrongly_accepted")} wrongly accepted, ` +
      `${of("wrongly_rejected")} wrongly rejected, ${of("not_reached")} not reached; equal verdicts with another message ` +
      `${of("message")}, another instruction ${of("insn")}, another number of instructions ${of("processed")}, of states ${of("states")}`,
  );
  process.exitCode = of("wrongly_accepted") > 0 || of("wrongly_rejected") > 0.005 * asked ? 1 : 0;
}

await main();
