// The interpreter beside uBPF's and beside the kernel's JIT: `node benchmarks/interpreter.js [path of uBPF's sources]` after
// `npm run build`. Alternates between them and prints medians and ratios; uBPF only where its path is given, the kernel
// only where bpf(2) answers.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { Runtime } from "@tsbpf/core/runtime";
import { kernelProblem, loadOnKernel } from "@tsbpf/linux";

const ROUNDS = 15;

// Programs get the packet's address in r1; the contexts differ between engines.
const workloads = [
  { name: "empty", runs: 200_000, source: "r0 = 0; exit" },
  {
    name: "ALU loop, 10 k rounds",
    runs: 20,
    source: `
      r0 = 0
      r1 = 10000
      r2 = 0x9e3779b1 ll
    loop:
      r0 += r1
      r0 ^= r2
      r3 = r0
      r3 >>= 7
      r0 *= 31
      r0 += r3
      r1 -= 1
      if r1 != 0 goto loop
      exit`,
  },
  {
    name: "parse and count",
    runs: 100_000,
    source: `
      r6 = r1
      r2 = *(u16 *)(r6 + 12)
      r2 = be16 r2
      r0 = 0
      if r2 != 0x800 goto out
      r3 = *(u8 *)(r6 + 14)
      r3 &= 15
      r3 <<= 2
      if r3 != 20 goto out
      r4 = *(u8 *)(r6 + 23)
      *(u32 *)(r10 - 4) = r4
      r7 = *(u16 *)(r6 + 36)
      r7 = be16 r7
      r1 = r4
      call 8
      r7 += r0
      r1 = *(u64 *)(r6 + 1500)
      r1 += 1
      *(u64 *)(r6 + 1500) = r1
      r0 = 2
    out:
      exit`,
  },
  {
    name: "checksum of 1500 B",
    runs: 500,
    source: `
      r0 = 0
      r2 = 750
    loop:
      r3 = *(u16 *)(r1 + 0)
      r0 += r3
      r1 += 2
      r2 += -1
      if r2 != 0 goto loop
      r3 = r0
      r3 >>= 16
      r0 &= 0xffff
      r0 += r3
      exit`,
  },
];

function packet() {
  const bytes = new Uint8Array(1508);
  for (let at = 0; at < 1500; at++) bytes[at] = (at * 7) & 0xff;
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[23] = 6;
  return bytes;
}

/** Median of numbers. */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

function ownEngine() {
  const runtime = new Runtime();
  runtime.helpers.define(8, { name: "get_smp_processor_id", result: "uint", wide: false, run: () => 0 });
  const interpreter = new Interpreter(runtime);
  const bytes = packet();
  const address = runtime.memory.allocBytes(bytes);
  const context = { address, size: bytes.length, packetStart: 0, packetEnd: 0 };
  const images = new Map();
  return (workload) => {
    const { name, source, runs } = workload;
    if (!images.has(name)) images.set(name, interpreter.prepare({ name, insns: assemble(source) }));
    const image = images.get(name);
    // CPU time, as the others count it.
    const start = process.cpuUsage();
    for (let run = 0; run < runs; run++) runtime.execute(image, context);
    const { user, system } = process.cpuUsage(start);
    const ns = ((user + system) * 1000) / runs;
    return { ns, r0: runtime.r0 };
  };
}

function buildUbpf(path) {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-ubpf-"));
  writeFileSync(join(folder, "ubpf_config.h"), "#pragma once\n");
  const sources = readdirSync(join(path, "vm"))
    .filter((name) => /^ubpf_.*\.c$/.test(name) && !name.includes("arm64") && !name.includes("loader"))
    .map((name) => join(path, "vm", name));
  const include = [`-I${folder}`, `-I${join(path, "vm")}`, `-I${join(path, "vm/inc")}`];
  const binary = join(folder, "runner");
  const runner = join(import.meta.dirname, "ubpf-runner.c");
  const flags = ["-O2", "-w", "-DNDEBUG", "-D_GNU_SOURCE", ...include, runner, ...sources, "-o", binary, "-lm"];
  const { status, stderr } = spawnSync("cc", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`uBPF doesn't compile: ${stderr}`);
  return { folder, binary };
}

function ubpfEngine(path) {
  const { folder, binary } = buildUbpf(path);
  const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hex = (bytes) => Buffer.from(bytes).toString("hex");
  return {
    async run({ source, runs }) {
      child.stdin.write(`${hex(assemble(source))} ${hex(packet())} ${runs}\n`);
      const { value } = await lines.next();
      const [r0, ns] = value.split(" ");
      return { ns: Number(ns), r0: Number(BigInt(r0) & 0xffff_ffffn) };
    },
    close() {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}

// Direct packet access as the verifier wants it, then the same instructions.
const KERNEL_PROLOGUE = `
  r2 = *(u32 *)(r1 + 4)
  r1 = *(u32 *)(r1 + 0)
  r3 = r1
  r3 += 1508
  if r3 <= r2 goto +2
  r0 = 0
  exit
`;

/** The kernel's own time of a run, in whole ns; undefined where there is no bpf(2). */
function kernelEngine() {
  if (kernelProblem() !== undefined) return undefined;
  const programs = new Map();
  return ({ name, source, runs }) => {
    if (!programs.has(name)) {
      const insns = Uint8Array.from([...assemble(KERNEL_PROLOGUE), ...assemble(source)]);
      programs.set(name, loadOnKernel({ insns, type: "xdp", logLevel: 0 }));
    }
    const { duration, retval } = programs.get(name).testRun({ data: packet(), repeat: runs });
    return { ns: duration, r0: retval };
  };
}

/** The row of one workload: medians of rounds in which each engine had its turn. */
async function measure(workload, engines) {
  for (let warmup = 0; warmup < 5; warmup++) await engines[0](workload);
  const times = engines.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const results = [];
    for (const engine of engines) results.push(await engine?.(workload));
    results.forEach((result, at) => {
      if (result === undefined) return;
      times[at].push(result.ns);
      if (result.r0 !== results[0].r0) throw new Error(`${workload.name}: ${result.r0} instead of ${results[0].r0}`);
    });
  }
  return times.map((values) => (values.length === 0 ? undefined : median(values)));
}

const path = process.argv[2];
const ubpf = path === undefined ? undefined : ubpfEngine(path);
const engines = [ownEngine(), ubpf?.run, kernelEngine()];
const print = (name, columns) => console.log(name.padEnd(24) + columns.map((text) => text.padStart(12)).join(""));
print("workload", ["tsbpf ns", "uBPF ns", "ratio", "kernel ns", "ratio"]);
for (const workload of workloads) {
  const [own, ...others] = await measure(workload, engines);
  const columns = others.flatMap((ns) => [ns?.toFixed(1) ?? "-", ns ? (own / ns).toFixed(2) : "-"]);
  print(workload.name, [own.toFixed(1), ...columns]);
}
ubpf?.close();
