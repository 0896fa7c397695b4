// How long a Machine takes until it is ready, and what it holds: two namespaces, a veth pair, and a loaded XDP program.
//
//     node benchmarks/machine/ready.js
//
// Figures to reach: under 20 ms, under 5 MB beyond the maps. The first one of a process also compiles the map core and the
// interpreter; the median is of those after it.
import { readFileSync } from "node:fs";
import { Machine, readObject } from "../../packages/core/dist/index.js";

const ROUNDS = 21;
const object = readFileSync(new URL("../../examples/packet-counter/packet-counter.bpf.o", import.meta.url));
const spec = readObject(object);
const collect = globalThis.gc ?? (() => {});

async function ready() {
  const machine = new Machine({ cpus: 2 });
  const [client, server] = [machine.createNamespace("client"), machine.createNamespace("server")];
  machine.createVeth({ name: "eth0", namespace: client }, { name: "eth0", namespace: server });
  const loaded = await machine.load(spec);
  const xdp = Object.values(loaded.programs).find(({ type }) => type === "xdp");
  server.run(() => machine.attachXdp(xdp, "eth0"));
  return { machine, loaded };
}

const times = [];
const machines = [];
collect();
const before = process.memoryUsage();
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  machines.push(await ready());
  times.push(performance.now() - start);
}
collect();
const after = process.memoryUsage();
const [first, ...rest] = times;
const median = rest.sort((a, b) => a - b)[rest.length >> 1];
const { machine, loaded } = machines[0];
const maps = Object.values(loaded.maps).reduce((bytes, map) => bytes + map.raw.object.live.memoryBytes, 0);
const linear = machine.runtime.memory.stats.bytes - maps;
const perMachine = (name) => (after[name] - before[name]) / ROUNDS / 1e6;
console.log(
  `first ${first.toFixed(1)} ms, then ${median.toFixed(1)} ms (median of ${rest.length}; best ${rest[0].toFixed(1)} ms)`,
);
console.log(
  `linear memory in use ${(linear / 1e6).toFixed(2)} MB beyond ${(maps / 1e6).toFixed(2)} MB of maps; ` +
    `a Machine: JavaScript heap ${perMachine("heapUsed").toFixed(2)} MB, array buffers ${perMachine("arrayBuffers").toFixed(2)} MB, ` +
    `resident ${perMachine("rss").toFixed(2)} MB${globalThis.gc ? "" : " (with --expose-gc these are steadier)"}`,
);
for (const each of machines) each.machine.close();
