// Time that the embedded verifier takes for real programs, beside the running kernel's own "verification time" (log
// level 4, since higher ones slow the kernel down several times). The two take turns in one process, so that other load
// on the machine hits both; the embedded one has run the program some times before, so that its code is compiled.
//
//     npm run build && node benchmarks/verifier.js [--json OUT] [--over N] [--rounds N] [--seconds N] [--match TEXT] [PATH...]
//
// Programs of which fewer instructions than --over (1000) are processed are left out, as are those on whose verdict the
// two differ. A program gets --rounds (15) rounds, or as many as fit into --seconds (3), two at least. Paths are objects
// or folders of them: testdata and examples, where none are named. "peak" is the growth of the process over its size
// before the first verification of the program, at its highest.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { judgeByKernel } from "../packages/cli/dist/verify/judge-kernel.js";
import { loadKernelTypes } from "../packages/cli/dist/verify/kernel-types.js";
import { applyCoreRelocations, readObject } from "../packages/core/dist/object/index.js";
import { verifierInput, verify } from "../packages/core/dist/verifier/index.js";
import { objectsIn } from "../scripts/fuzz/objects.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    over: { type: "string", default: "1000" },
    rounds: { type: "string", default: "15" },
    seconds: { type: "string", default: "3" },
    match: { type: "string", default: "" },
  },
});
const root = fileURLToPath(new URL("../", import.meta.url));
const kernelTypes = (await loadKernelTypes(undefined)).types;

function inputOf(object, program) {
  const relocated =
    program.coreRelocations.length > 0 && object.btf !== undefined
      ? applyCoreRelocations(program, object.btf, kernelTypes)
      : program;
  return { ...verifierInput(object, relocated, kernelTypes), flags: program.flags };
}

/** Verifies once: the verdict, its time in microseconds, and the process's size in bytes at its highest. */
function verifyHere(input) {
  let peak = 0;
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
    return false;
  };
  const verdict = verify(input, { now: () => performance.now(), shouldStop: everyFew(sample) });
  sample();
  return { verdict, microseconds: verdict.microseconds, peak };
}

/** Twenty runs, or as many as fit into a second. */
function warmUp(input) {
  const end = performance.now() + 1000;
  for (let run = 0; run < 20 && performance.now() < end; run++) verify(input);
}

/** Asks the operating system in one of 64 calls: it takes microseconds. */
function everyFew(sample) {
  let calls = 0;
  return () => (calls++ % 64 === 0 ? sample() : false);
}

function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/** Alternates until the rounds or the time are used up; undefined where there is nothing to compare. */
async function measure(file, object, program) {
  const ask = () => judgeByKernel(file, object, program, { logLevel: 0, host: "kernel" });
  const input = inputOf(object, program);
  const before = process.memoryUsage.rss();
  const first = verifyHere(input);
  if (first.verdict.processed < Number(values.over)) return undefined;
  const asked = await ask();
  if (asked.processed === null) return undefined;
  if (first.verdict.verdict !== asked.verdict) return undefined;
  warmUp(input);
  const here = [];
  const kernel = [];
  const end = performance.now() + Number(values.seconds) * 1000;
  for (let round = 0; round < Number(values.rounds) && (round < 2 || performance.now() < end); round++) {
    here.push(verifyHere(input).microseconds);
    kernel.push(Math.max(1, (await ask()).verification_us));
  }
  return {
    file,
    program: program.name,
    verdict: asked.verdict,
    processed: first.verdict.processed,
    kernel_processed: asked.processed,
    states: first.verdict.peakStates,
    us: { first: first.microseconds, min: Math.min(...here), median: quantile(here, 0.5) },
    kernel_us: { min: Math.min(...kernel), median: quantile(kernel, 0.5) },
    ratio: Math.min(...here) / Math.min(...kernel),
    median_ratio: quantile(here, 0.5) / quantile(kernel, 0.5),
    peak_bytes: Math.max(0, first.peak - before),
    rounds: here.length,
  };
}

async function measureObject(file, rows) {
  let object;
  try {
    object = readObject(new Uint8Array(readFileSync(file)), { name: file });
  } catch {
    return;
  }
  for (const program of object.programs.values()) {
    let row;
    try {
      row = await measure(file, object, program);
    } catch {
      continue; // what this kernel's loader cannot prepare has no time to compare
    }
    if (row === undefined) continue;
    rows.push(row);
    print(row);
  }
}

function print({ file, program, processed, us, kernel_us, ratio, median_ratio, peak_bytes }) {
  const cells = [
    String(processed).padStart(8),
    `${us.min}`.padStart(9),
    `${us.median}`.padStart(9),
    `${kernel_us.min}`.padStart(9),
    `${kernel_us.median}`.padStart(9),
    ratio.toFixed(2).padStart(7),
    median_ratio.toFixed(2).padStart(7),
    `${Math.round(peak_bytes / 2 ** 20)} MiB`.padStart(8),
  ];
  console.log(`${cells.join(" ")}  ${file.replace(root, "")} ${program}`);
}

const paths = positionals.length > 0 ? positionals : [join(root, "testdata"), join(root, "examples")];
const rows = [];
console.log(`${"insns".padStart(8)}    us min    median kernel min   median   ratio  median     peak`);
for (const file of paths.flatMap(objectsIn)) if (file.includes(values.match)) await measureObject(file, rows);
if (rows.length > 0) {
  const ratios = rows.map((row) => row.ratio);
  const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
  console.log(
    `${rows.length} programs of over ${values.over} instructions: ratio of the minima ${quantile(ratios, 0.5).toFixed(2)} ` +
      `at the median, ${quantile(ratios, 0.9).toFixed(2)} at the 90th percentile, ${Math.max(...ratios).toFixed(2)} at ` +
      `most; all together ${(sum((r) => r.us.min) / sum((r) => r.kernel_us.min)).toFixed(2)}; largest growth ` +
      `${Math.round(Math.max(...rows.map((row) => row.peak_bytes)) / 2 ** 20)} MiB`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
