#!/usr/bin/env node
// The JIT against the kernel's, in one run: npm run bench -- [--json OUT] [--only WORKLOAD] [--runtime PATH] [--quick] [--browser]
//                                            npm run bench -- --compare BEFORE.json AFTER.json
//
// Engines take turns, round by round, on the same packets; the table has medians (least times in brackets) of a run in
// nanoseconds. `ratio` is ours over what the kernel's test run reports. `net` compares without what an empty program
// costs on either side, where the kernel's net time is at least 20 ns: it counts whole nanoseconds. --runtime names a
// program that runs others as benchmarks/ubpf-runner.c does (with its arguments: "PATH --jit"); the native column is the same C by clang -O2.
// --browser measures our JIT in headless Chromium, the rest as ever.
import { writeFileSync } from "node:fs";
import { compareFiles } from "./compare.mjs";
import { openChromium, openJit, openKernel, openNative, openRuntime } from "./engines.mjs";
import { measureFigures, printFigures } from "./figures.mjs";
import { median, printRow, printSummary, printTitle, rowsOf } from "./table.mjs";
import { workloads } from "./workloads.mjs";

const SAMPLE_NS = 5e6;
const MAX_RUNS = 500_000;

function parseArguments(args) {
  const options = {
    json: undefined,
    only: undefined,
    runtime: undefined,
    quick: false,
    browser: false,
    compare: undefined,
  };
  for (let at = 0; at < args.length; at++) {
    const name = args[at];
    if (name === "--quick" || name === "--browser") options[name.slice(2)] = true;
    else if (name === "--compare") options.compare = [args[++at], args[++at]];
    else if (["--json", "--only", "--runtime"].includes(name)) options[name.slice(2)] = args[++at];
    else throw new Error(`unknown option ${name}`);
  }
  return options;
}

/** Runs that make a sample of some milliseconds; the programs are hot afterwards. */
async function calibrate(run) {
  let runs = 4;
  let ns = await run(runs);
  for (let spent = 0; spent < 60e6; spent += ns * runs) {
    ns = await run(runs);
    runs = Math.min(MAX_RUNS, Math.max(runs, Math.min(runs * 4, Math.ceil(SAMPLE_NS / ns))));
    if (runs === MAX_RUNS && spent === 0) spent = 30e6;
  }
  return Math.max(4, Math.min(MAX_RUNS, Math.round(SAMPLE_NS / ns)));
}

/** Samples of each engine, taken in turns. */
async function measure(workload, engine, others, rounds) {
  const jit = await engine.load(workload);
  const kernel = await others.kernel?.load(workload);
  const runs = workload.runs ?? (await calibrate(jit.batch));
  for (let left = workload.runs === undefined ? 1 : 5; left > 0; left--) {
    await jit.batch(runs);
    await jit.call(runs);
  }
  const samples = { batch: [], call: [], kernel: [], runtime: [], native: [] };
  for (let round = 0; round < rounds; round++) {
    samples.batch.push(await jit.batch(runs));
    if (kernel !== undefined) samples.kernel.push(kernel(runs));
    samples.call.push(await jit.call(runs));
    if (!workload.plain) continue;
    if (others.runtime !== undefined) samples.runtime.push(await others.runtime.time(workload, runs));
    if (others.native !== undefined) samples.native.push(others.native.time(workload.program, runs));
  }
  await jit.close();
  return Object.fromEntries(
    Object.entries(samples).map(([name, times]) => [
      name,
      times.length === 0 ? undefined : { median: median(times), min: Math.min(...times) },
    ]),
  );
}

function chooseWorkloads(only) {
  if (only === undefined) return workloads;
  const chosen = workloads.filter(({ name, program }) => program === only || name.includes(only));
  if (chosen.length === 0)
    throw new Error(`no workload is called '${only}': ${workloads.map((w) => w.name).join(", ")}`);
  // Net times need the empty program's.
  return [workloads[0], ...chosen.filter((each) => each !== workloads[0])];
}

async function main() {
  const { json, only, runtime, quick, browser, compare } = parseArguments(process.argv.slice(2));
  if (compare !== undefined) {
    process.exitCode = compareFiles(...compare) ? 1 : 0;
    return;
  }
  const chosen = chooseWorkloads(only);
  const engine = browser ? await openChromium() : openJit();
  if (browser) console.log(`the JIT in Chromium ${engine.version}, by its clock`);
  const others = {
    kernel: await openKernel(),
    runtime: runtime === undefined ? undefined : openRuntime(runtime),
    native: openNative(workloads.filter(({ plain }) => plain).map(({ program }) => program)),
  };
  const results = [];
  printTitle();
  let empty;
  for (const workload of chosen) {
    const measured = await measure(workload, engine, others, quick ? 3 : 9);
    empty ??= measured;
    const rows = rowsOf(workload, measured, empty);
    results.push(...rows);
    for (const row of rows) printRow(row, measured);
  }
  printSummary(results);
  if (only === undefined && !browser) printFigures(measureFigures());
  await engine.close();
  for (const other of Object.values(others)) other?.close();
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, undefined, 1)}\n`);
}

await main();
