#!/usr/bin/env node
// Runs random programs that the verifier accepts in the interpreter and in every mode of the JIT, on the same packet, maps
// and memory, and in the running kernel (BPF_PROG_TEST_RUN) where there is one and the result rests on nothing that
// differs there: the kernel's verifier has it that no address leaks, and helpers that tell the time and the like are left out. Ends with a line of counts; non-zero exit when anything differs.
//
//     npm run fuzz:jit -- [COUNT [SEED]]      COUNT programs of the grammar (2000), from SEED on (1)
//       --one SEED       one program, printed, with what differs
//       --show N         differences to print (10)
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadKernelTypes } from "../packages/core/dist/kernel-types/index.js";
import { JitComparison } from "./fuzz/jit-case.mjs";
import { printProgram } from "./fuzz/print.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { one: { type: "string" }, show: { type: "string", default: "10" } },
});

async function kernelRunner() {
  if (!existsSync("/sys/kernel/btf/vmlinux") || process.getuid?.() !== 0) return undefined;
  return (await import("./fuzz/kernel-run.mjs")).runInKernel;
}

const comparison = new JitComparison({ kernelTypes: await loadKernelTypes(), kernel: await kernelRunner() });

function one(seed) {
  const { program, kind, kernel, details } = comparison.compare(seed);
  console.log(printProgram(program));
  console.log(`${kind}${kernel ? ", compared with the kernel" : ""}`);
  for (const detail of details ?? []) console.log(`  ${detail}`);
}

function main() {
  const [count = 2000, first = 1] = positionals.map(Number);
  const counts = {};
  let [withKernel, shown] = [0, 0];
  for (let seed = first; seed < first + count; seed++) {
    const { kind, kernel, details } = comparison.compare(seed);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kernel) withKernel++;
    if (["agree", "not_accepted", "not_supported", "budget"].includes(kind) || ++shown > Number(values.show)) continue;
    console.log(`${kind}: seed ${seed}\n  ${details.slice(0, 4).join("\n  ")}`);
  }
  report(count, counts, withKernel);
}

function report(count, counts, withKernel) {
  const of = (kind) => counts[kind] ?? 0;
  const bad = of("engines") + of("fault") + of("kernel") + of("crashed");
  console.log(
    `fuzz: ${count} programs, ${count - of("not_accepted") - of("not_supported")} accepted and run in all modes, ${withKernel} of them in the ` +
      `kernel too; ${of("agree")} agree in all, ${of("budget")} ran out of budget alike; ` +
      `${of("engines")} differ between modes, ${of("fault")} fault, ${of("crashed")} crash, ${of("kernel")} differ from the kernel`,
  );
  process.exitCode = bad > 0 ? 1 : 0;
}

if (values.one !== undefined) one(Number(values.one));
else main();
