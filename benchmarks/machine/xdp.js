// XDP between two devices of a Machine: `node benchmarks/machine/xdp.js` after `npm run build`. Prints the median of the
// packets a second of rounds in which each action had its turn. The kernel's own veth path does 4.7 M drops and 4.0 M
// sends back a second on the machine that the goals were set on.
import { createMap, Machine } from "@tsbpf/core";
import { assemble } from "@tsbpf/core/isa";
import { createProgram } from "@tsbpf/core/spec";

const PACKETS = 200_000;
const ROUNDS = 9;
const BURST = 64;

const frame = new Uint8Array(60);
frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);

const ports = createMap({ name: "ports", type: "devmap", keySize: 4, valueSize: 4, maxEntries: 4 });

const workloads = [
  { name: "drop", source: "r0 = 1; exit", counter: ({ right }) => right.counters.xdpDrop },
  { name: "pass", source: "r0 = 2; exit", counter: ({ right }) => right.counters.xdpPass },
  { name: "tx", source: "r0 = 3; exit", counter: ({ left }) => left.counters.xdpDrop },
  {
    name: "devmap redirect",
    source: "r1 = 0 ll; r2 = 1; r3 = 0; call 51; exit",
    references: [{ kind: "map", slot: 0, map: "ports" }],
    counter: ({ back }) => back.counters.xdpDrop,
  },
];

/** A Machine whose right device runs the workload's program; where it sends frames to, they are dropped. */
async function prepare({ name, source, references = [] }) {
  const machine = new Machine();
  const [left, right] = machine.createVeth({ name: "left" }, { name: "right" });
  const [out, back] = machine.createVeth({ name: "out" }, { name: "back" });
  const map = machine.createMap(ports);
  map.raw.update(Uint8Array.of(1, 0, 0, 0), Uint8Array.of(out.index, 0, 0, 0));
  const spec = (code, refs) =>
    createProgram({ name: name.replace(" ", "_"), type: "xdp", insns: assemble(code), references: refs });
  const drop = await machine.loadProgram(spec("r0 = 1; exit", []));
  machine.attachXdp(drop, left);
  machine.attachXdp(drop, back);
  machine.attachXdp(await machine.loadProgram(spec(source, references), { maps: { ports: map } }), right);
  machine.network.automatic = false;
  return { machine, left, right, out, back, socket: machine.network.initial.openPacketSocket("left") };
}

function run({ machine, socket }) {
  socket.close();
  for (let sent = 0; sent < PACKETS; sent += BURST) {
    for (let at = 0; at < BURST; at++) socket.enqueue(frame);
    machine.run();
  }
}

const results = new Map();
const setups = await Promise.all(workloads.map(async (workload) => ({ workload, parts: await prepare(workload) })));
for (let round = 0; round < ROUNDS; round++) {
  for (const { workload, parts } of setups) {
    const before = workload.counter(parts);
    const start = process.hrtime.bigint();
    run(parts);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const arrived = workload.counter(parts) - before;
    if (arrived < PACKETS) throw new Error(`${workload.name}: only ${arrived} of ${PACKETS} frames arrived`);
    results.set(workload.name, [...(results.get(workload.name) ?? []), arrived / seconds]);
  }
}
for (const [name, rates] of results) {
  const median = rates.toSorted((a, b) => a - b)[rates.length >> 1];
  console.log(`${name.padEnd(18)}${(median / 1e6).toFixed(2).padStart(6)} M packets/s`);
}
