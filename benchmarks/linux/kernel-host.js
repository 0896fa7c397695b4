#!/usr/bin/env node
// @tsbpf/linux against the same work in C: map calls, batches, ring buffers, loading.
//
//     npm run build && node benchmarks/linux/kernel-host.js [--json OUT] [--quick] [--only WORKLOAD]
//
// Needs root, gcc and libbpf's headers. Both sides take turns in one run; the figures are medians of CPU time (ours with
// the engine's own threads), in nanoseconds, and the ratio is ours over C's; that of the quickest turns is told beside it.
// `limit` is what we hold ourselves to.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
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
const eventsObject = join(root, "testdata/kernel/events.bpf.o");
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

/** Nanoseconds an event, its sending included. `inPlace`: the sink reads the ring's memory, and gets no view an event. */
async function ring(host, events, inPlace) {
  const object = await host.load(readObject(readFileSync(ringObject), { name: "ring" }));
  let sum = 0;
  const sink = {
    event: (bytes) => {
      sum = (sum + bytes[0] + bytes[1]) & 0xffff;
    },
    lost: () => {},
  };
  if (inPlace) {
    sink.record = (memory, offset) => {
      sum = (sum + memory[offset] + memory[offset + 1]) & 0xffff;
    };
  }
  const subscription = object.map("ring").raw.subscribe(sink);
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

const producer = `
  import { Linux } from "${new URL("../../packages/linux/dist/index.js", import.meta.url)}";
  const host = await Linux.open();
  const program = host.programById(Number(process.argv[1]));
  console.log("ready");
  for (;;) program.testRun({});`;

/**
 * How late timers are, in milliseconds, while another process fills a ring as fast as it can, and while none does. What
 * the reader makes timers wait for is its work, in CPU time; by the clock, other processes are in it too.
 */
async function lag(host) {
  const object = await host.load(readObject(readFileSync(eventsObject), { name: "events" }));
  let events = 0;
  const subscription = object.map("events").raw.subscribe({ event: () => events++, lost: () => {} });
  object.variables.burst.set(5000);
  const measure = async () => {
    const turns = [];
    let used = process.cpuUsage();
    const timer = setInterval(() => {
      turns.push(since(used) / 1e6);
      used = process.cpuUsage();
    }, 1);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, quick ? 1000 : 4000));
    delay.disable();
    clearInterval(timer);
    // What is measured has the timer's own millisecond in it.
    const [p99, max] = [delay.percentile(99) / 1e6 - 1, delay.max / 1e6 - 1];
    return { p99, max, work: Math.max(...turns) };
  };
  const idle = await measure();
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", producer, `${object.program("send_events").id}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const before = events;
  const start = performance.now();
  const busy = await measure();
  const rate = (events - before) / (performance.now() - start) / 1000;
  child.kill("SIGKILL");
  subscription.close();
  object.close();
  const text = ({ p99, max, work }) =>
    `${work.toFixed(1)} ms of work between timers at most; by the clock ${p99.toFixed(1)} (99 %), ${max.toFixed(1)} (all)`;
  console.log(
    `event loop lag       ${text(busy)} (limit 20), at ${rate.toFixed(1)} M events/s; without events: ${text(idle)}`,
  );
  return { workload: "event loop lag", engine: "linux", ...busy, idle, millionEvents: rate, limit: 20 };
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
    ["ring buffer record", 1 / 0.7, () => ring(host, events, true), () => inC("ring", ringObject, events)],
    ["ring buffer event", 1 / 0.7, () => ring(host, events, false), () => inC("ring", ringObject, events)],
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
    // Of the quickest turns: what other work on the machine added is left out.
    const best = Math.min(...a) / Math.min(...b);
    results.push({ workload, engine: "linux", ns, c_ns, ratio: ns / c_ns, best, limit });
    const ratios = `ratio ${(ns / c_ns).toFixed(2)}, of the quickest ${best.toFixed(2)} (limit ${limit.toFixed(2)})`;
    console.log(`${workload.padEnd(20)} ${ns.toFixed(1)} ns, C ${c_ns.toFixed(1)} ns, ${ratios}`);
  }
  if (only < 0 || "event loop lag".includes(process.argv[only + 1])) results.push(await lag(host));
  host.close();
  rmSync(folder, { recursive: true });
  const out = process.argv.indexOf("--json");
  if (out > 0) writeFileSync(process.argv[out + 1], `${JSON.stringify(results, null, 2)}\n`);
}

await main();
