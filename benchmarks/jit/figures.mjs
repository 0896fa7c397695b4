// What the table of runs doesn't show: the cost of translating. Each figure comes from a process of its own.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Machine } from "@tsbpf/core/machine";
import { Runtime } from "@tsbpf/core/runtime";
import { createProgram } from "@tsbpf/core/spec";
import { compileProgram } from "../../packages/core/dist/jit/compile.js";
import { decodeProgram } from "../../packages/core/dist/runtime/index.js";
import { branchingCode } from "./workloads.mjs";

const cpuMs = () => process.cpuUsage().user / 1000;

/** What a verifier says of code that it found nothing in: every instruction and every way may be taken. */
function plainFacts(slots) {
  return {
    visits: new Uint32Array(slots).fill(1),
    pointerTypes: new Int32Array(slots),
    branches: new Uint8Array(slots).fill(3),
    functions: [0],
  };
}

function translate(insns) {
  const runtime = new Runtime();
  const program = decodeProgram({ name: "figure", insns, verified: true }, runtime);
  return compileProgram(program, {
    tables: runtime,
    facts: plainFacts(insns.length / 8),
    mapAt: () => undefined,
    memory: runtime.memory.limits,
    functionRecords: new Map(),
    tailCalls: true,
    record: 0,
  }).bytes;
}

/** CPU milliseconds for 1,000 instructions, once the translator itself is hot. */
function translation() {
  const insns = branchingCode(10_000);
  for (let time = 0; time < 15; time++) translate(insns);
  const start = cpuMs();
  for (let time = 0; time < 10; time++) translate(insns);
  return (cpuMs() - start) / 100;
}

/** Milliseconds from the load of a program of 1,000 instructions to its first result, in a process that just started. */
async function firstResult() {
  const insns = branchingCode(1000);
  const machine = new Machine();
  const start = cpuMs();
  const program = await machine.loadProgram(createProgram({ name: "first", type: "xdp", insns, license: "GPL" }));
  program.testRun({ data: new Uint8Array(64) });
  return cpuMs() - start;
}

/** The same for a second program, when the verifier and the translator have been used once. */
async function nextResult() {
  await firstResult();
  return firstResult();
}

/** Bytes an instruction that the process grows by while it translates 100,000. */
function memory() {
  const insns = branchingCode(100_000);
  translate(branchingCode(1000));
  const before = process.resourceUsage().maxRSS;
  const bytes = translate(insns);
  new WebAssembly.Module(bytes);
  return ((process.resourceUsage().maxRSS - before) * 1024) / 100_000;
}

const figures = { translation, firstResult, nextResult, memory };

const goals = [
  ["translation", "translation of 1,000 instructions, CPU ms", 0.5],
  ["firstResult", "first result of 1,000 instructions in a new process, CPU ms after load", 10],
  ["nextResult", "the same for the second program", 10],
  ["memory", "memory while translating 100,000 instructions, bytes an instruction", 200],
];

/** Measures all figures: the least of three processes each. */
export function measureFigures() {
  return goals.map(([name, text, goal]) => {
    const values = Array.from({ length: 3 }, () => {
      const { stdout, status, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      return Number(stdout);
    });
    return { name, text, goal, value: Math.min(...values) };
  });
}

export function printFigures(measured) {
  console.log();
  for (const { text, goal, value } of measured)
    console.log(`${text.padEnd(80)}${value.toFixed(2).padStart(10)}  (goal ${goal})`);
}

if (process.argv[1] === join(import.meta.dirname, "figures.mjs")) console.log(await figures[process.argv[2]]());
