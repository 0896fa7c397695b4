// What the table of runs doesn't show: the cost of translating. Each figure comes from a process of its own.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Machine } from "@tsbpf/core/machine";
import { CaptureReader, PcapWriter } from "@tsbpf/core/packet";
import { Runtime } from "@tsbpf/core/runtime";
import { createProgram } from "@tsbpf/core/spec";
import { compileProgram } from "../../packages/core/dist/jit/compile.js";
import { decodeProgram } from "../../packages/core/dist/runtime/index.js";
import { branchingCode, load, workloads } from "./workloads.mjs";

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

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
    timeAddress: 0,
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

/** Packets of the recorded captures, over and over. */
function capturedPackets(count) {
  const packets = [];
  for (const name of ["web", "dns", "syn-flood", "port-scan"]) {
    const reader = new CaptureReader();
    reader.push(readFileSync(new URL(`../../examples/captures/${name}.pcap`, import.meta.url)));
    for (let each = reader.next(); each !== undefined; each = reader.next()) packets.push(each.data.slice());
  }
  return Array.from({ length: count }, (_, index) => packets[index % packets.length]);
}

/** A program that parses and counts, and what feeds it packets. */
async function parseAndCount() {
  const machine = new Machine();
  const workload = workloads.find(({ program }) => program === "parse_count");
  const { program } = await load(workload, machine);
  let passed = 0;
  const batch = machine.createPacketBatch(program, (packet) => {
    if (packet.retval === 2) passed++;
  });
  return { batch, passed: () => passed };
}

/** Millions of packets a second of CPU time, once the code is hot. */
async function rate(feed) {
  const { batch, passed } = await parseAndCount();
  let best = 0;
  for (let pass = 0; pass < 8; pass++) {
    const start = cpuMs();
    const before = passed();
    feed(batch);
    batch.flush();
    best = Math.max(best, (passed() - before) / (cpuMs() - start) / 1000);
  }
  return best;
}

function fromMemory() {
  const packets = capturedPackets(200_000);
  const bytes = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
  const ends = new Uint32Array(packets.length);
  let end = 0;
  packets.forEach((packet, index) => {
    bytes.set(packet, end);
    end += packet.length;
    ends[index] = end;
  });
  return rate((batch) => {
    let from = 0;
    for (let index = 0; index < ends.length; index++) {
      batch.add(bytes, from, ends[index] - from);
      from = ends[index];
    }
  });
}

async function fromFile() {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-capture-"));
  const path = join(folder, "packets.pcap");
  const file = openSync(path, "w+");
  const writer = new PcapWriter((chunk) => writeSync(file, chunk), { nanosecond: true });
  for (const packet of capturedPackets(200_000)) writer.write(packet, 1, 0);
  writer.end();
  const result = await rate((batch) => {
    const reader = new CaptureReader();
    let position = 0;
    for (;;) {
      const chunk = new Uint8Array(1 << 18);
      const length = readSync(file, chunk, 0, chunk.length, position);
      if (length === 0) break;
      position += length;
      reader.push(chunk.subarray(0, length));
      for (let each = reader.next(); each !== undefined; each = reader.next()) {
        batch.add(each.bytes, each.offset, each.length);
      }
    }
    reader.end();
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return result;
}

const figures = { translation, firstResult, nextResult, memory, fromMemory, fromFile };

const goals = [
  ["translation", "translation of 1,000 instructions, CPU ms", 0.5],
  ["firstResult", "first result of 1,000 instructions in a new process, CPU ms after load", 10],
  ["nextResult", "the same for the second program", 10],
  ["memory", "memory while translating 100,000 instructions, bytes an instruction", 200],
  ["fromMemory", "packets through parse + count from memory, millions a CPU second", 5],
  ["fromFile", "the same from a pcap file", 1],
];

/** Figures of which more is better. */
const rates = new Set(["fromMemory", "fromFile"]);

/** Measures all figures: the best of three processes each. */
export function measureFigures() {
  return goals.map(([name, text, goal]) => {
    const values = Array.from({ length: 3 }, () => {
      const { stdout, status, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      return Number(stdout);
    });
    return { name, text, goal, value: rates.has(name) ? Math.max(...values) : Math.min(...values) };
  });
}

export function printFigures(measured) {
  console.log();
  for (const { text, goal, value } of measured)
    console.log(`${text.padEnd(80)}${value.toFixed(2).padStart(10)}  (goal ${goal})`);
}

if (process.argv[1] === join(import.meta.dirname, "figures.mjs")) console.log(await figures[process.argv[2]]());
