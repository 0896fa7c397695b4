#!/usr/bin/env node
// @tsbpf/linux against the same work in C: map calls, batches, ring buffers, loading.
//
//     npm run build && node benchmarks/linux/kernel-host.js [--json OUT] [--quick] [--only WORKLOAD]
//
// Needs root, gcc and libbpf's headers. Both sides take turns in one run; the figures are medians of CPU time (ours with
// the engine's own threads), in nanoseconds, and the ratio is ours over C's. `limit` is what we hold ourselves to.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createMap } from "../../packages/core/dist/index.js";
import { readObject } from "../../packages/core/dist/object/index.js";
import { Linux } from "../../packages/linux/dist/index.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const quick = process.argv.includes("--quick");
const turns = quick ? 3 : 9;
const calls = quick ? 50_000 : 300_000;
const ringObject = join(root, "testdata/kernel/ring.bpf.o");
const filterObject = join(root, "examples/ddos-filter/ddos-filter.bpf.o");

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const since = (start) => {
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
};

function hashMap(host, entries) {
  const map = host.createMap(createMap({ name: "bench", type: "hash", keySize: 4, valueSize: 8, maxEntries: entries }));
  const [key, value] = [new Uint8Array(4), new Uint8Array(8)];
  for (let i = 0; i < entries; i++) {
    new DataView(key.buffer).setUint32(0, i, true);
    new DataView(value.buffer).setUint32(0, i, true);
    map.raw.update(key, value);
  }
  return map;
}

/** Nanoseconds a call. */
function element(host, update) {
  const map = hashMap(host, 1000);
  const { raw } = map;
  const [key, value] = [new Uint8Array(4), new Uint8Array(8)];
  const [keyView, valueView] = [new DataView(key.buffer), new DataView(value.buffer)];
  let sum = 0;
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    keyView.setUint32(0, i % 1000, true);
    if (update) {
      valueView.setUint32(0, i, true);
      raw.update(key, value);
    } else {
      raw.lookupInto(key, value);
      sum += value[0];
    }
  }
  const time = since(start) / calls;
  map.close();
  return [time, sum];
}

/** Nanoseconds an entry, of walks over 10,000. */
function batch(host) {
  const map = hashMap(host, 10_000);
  let sum = 0;
  let seen = 0;
  const start = process.cpuUsage();
  while (seen < calls) {
    for (const { keys, values, count } of map.raw.batches()) {
      const [k, v] = [new Uint32Array(keys.buffer, keys.byteOffset), new Uint32Array(values.buffer, values.byteOffset)];
      for (let i = 0; i < count; i++) sum += k[i] + v[i * 2];
      seen += count;
    }
  }
  const time = since(start) / seen;
  map.close();
  return [time, sum];
}

/** Nanoseconds an event. */
async function ring(host, events) {
  const object = await host.load(readObject(readFileSync(ringObject), { name: "ring" }));
  let sum = 0;
  const subscription = object.map("ring").raw.subscribe({
    event: (bytes) => {
      sum += bytes[0] + bytes[1];
    },
    lost: () => {},
  });
  let done = 0;
  const start = process.cpuUsage();
  while (done < events) {
    object.program("fill").testRun({});
    done += subscription.poll();
  }
  const time = since(start) / done;
  subscription.close();
  object.close();
  return [time, sum];
}

/** Nanoseconds from the file's bytes to loaded programs, and down again. */
async function load(host, rounds) {
  const start = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    (await host.load(readObject(readFileSync(filterObject), { name: "ddos-filter" }), { pinRoot: null })).close();
  }
  return [since(start) / rounds, 0];
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-bench-"));
  const comparator = join(folder, "comparator");
  execFileSync("gcc", ["-O2", "-o", comparator, join(here, "comparator.c"), "-lbpf", "-lelf", "-lz"], {
    stdio: "inherit",
  });
  const inC = (...words) => Number(execFileSync(comparator, words.map(String), { encoding: "utf8" }).split(" ")[0]);
  const host = await Linux.open();
  const events = quick ? 1_000_000 : 4_000_000;
  const rounds = quick ? 20 : 100;
  const workloads = [
    ["map lookup", 1.3, () => element(host, false), () => inC("lookup", calls)],
    ["map update", 1.3, () => element(host, true), () => inC("update", calls)],
    ["map batch lookup", 1.2, () => batch(host), () => inC("batch", calls)],
    ["ring buffer event", 1 / 0.7, () => ring(host, events), () => inC("ring", ringObject, events)],
    ["object load", 1.3, () => load(host, rounds), () => inC("load", filterObject, rounds)],
  ];
  const results = [];
  const only = process.argv.indexOf("--only");
  for (const [workload, limit, ours, theirs] of workloads) {
    if (only > 0 && !workload.includes(process.argv[only + 1])) continue;
    const [a, b] = [[], []];
    await ours();
    for (let turn = 0; turn < turns; turn++) {
      a.push((await ours())[0]);
      b.push(theirs());
    }
    const [ns, c_ns] = [median(a), median(b)];
    results.push({ workload, engine: "linux", ns, c_ns, ratio: ns / c_ns, limit });
    console.log(
      `${workload.padEnd(20)} ${ns.toFixed(1)} ns, C ${c_ns.toFixed(1)} ns, ratio ${(ns / c_ns).toFixed(2)} (limit ${limit.toFixed(2)})`,
    );
  }
  host.close();
  rmSync(folder, { recursive: true });
  const out = process.argv.indexOf("--json");
  if (out > 0) writeFileSync(process.argv[out + 1], `${JSON.stringify(results, null, 2)}\n`);
}

await main();
