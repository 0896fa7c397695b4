// What is measured: programs, the maps that they need, and the packets that they run on.
import { readFileSync } from "node:fs";
import { createProgram } from "@tsbpf/core";
import { assemble } from "@tsbpf/core/isa";
import { readObject } from "@tsbpf/core/object";
import { CaptureReader } from "@tsbpf/core/packet";
import { maglevTable } from "../../examples/load-balancer/maglev.mjs";

const at = (path) => new URL(path, import.meta.url);
const XDP_TX = 3;

/** An IPv4 packet of 1514 bytes. */
function packet() {
  const bytes = Uint8Array.from({ length: 1514 }, (_, index) => (index * 7) & 0xff);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0x05, 0xdc], 0);
  bytes.set([64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 80], 22);
  return bytes;
}

/** The requests and the like of a recorded web page, one of each length. */
function webPackets() {
  const reader = new CaptureReader();
  reader.push(readFileSync(at("../../examples/captures/web.pcap")));
  const byLength = new Map();
  for (let each = reader.next(); each !== undefined; each = reader.next()) {
    const data = each.data.slice();
    const toServer = data[12] === 8 && data[23] === 6 && data[33] === 80;
    if (toServer && !byLength.has(data.length)) byLength.set(data.length, data);
  }
  return [...byLength.values()].slice(0, 4);
}

const u32 = (value) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

/** Fills a map in batches: `key(index)` and `value(index)` are bytes. */
function fill(map, count, key, value) {
  const { raw } = map;
  const { keySize } = raw.info;
  const step = 10_000;
  for (let start = 0; start < count; start += step) {
    const length = Math.min(step, count - start);
    const keys = new Uint8Array(length * keySize);
    const values = new Uint8Array(length * raw.transferSize);
    for (let index = 0; index < length; index++) {
      keys.set(key(start + index), index * keySize);
      values.set(value(start + index), index * raw.transferSize);
    }
    raw.updateBatch(keys, values, length);
  }
}

function flowKey(index) {
  const key = new Uint8Array(16);
  const view = new DataView(key.buffer);
  view.setUint32(0, 0x0a000000 + index, true);
  view.setUint32(4, 0xc0000250, true);
  view.setUint16(8, index & 0xffff, true);
  view.setUint16(10, 80, true);
  key[12] = 6;
  return key;
}

/** Prefixes of 8 to 32 bits, most of them of 24, as routing tables have them. */
function prefixKey(index) {
  const mixed = Math.imul(index, 0x9e3779b1) >>> 0;
  const length = index % 10 === 0 ? 8 + (mixed % 25) : 24;
  const address = length === 32 ? mixed : (mixed & ~(0xffffffff >>> length)) >>> 0;
  return Uint8Array.from([...u32(length), address >>> 24, address >>> 16, address >>> 8, address]);
}

const counter = () => new Uint8Array(8);

/** 10,000 instructions without a jump, over registers and the packet. */
function straightLine() {
  const lines = ["r6 = *(u32 *)(r1 + 0)", "r7 = *(u32 *)(r1 + 4)", "r2 = r6", "r2 += 64", "if r2 > r7 goto out"];
  lines.push("r3 = *(u64 *)(r6 + 16)", "r4 = *(u64 *)(r6 + 24)", "r5 = 7");
  const body = [
    "r3 += r4",
    "r4 ^= r3",
    "r5 += r4",
    "r3 <<= 3",
    "r4 *= 31",
    "w5 ^= w3",
    "r3 += r5",
    "r4 >>= 1",
    "r5 += 9",
  ];
  for (let index = lines.length; index < 9997; index++) lines.push(body[index % body.length]);
  lines.push("*(u64 *)(r6 + 0) = r5", "out:", "r0 = 2", "exit");
  return assemble(lines.join("\n"));
}

/** A program of so many instructions, with a jump every ten. */
export function branchingCode(instructions) {
  const lines = ["r0 = 2", "r1 = 1", "r2 = 3"];
  const body = ["r1 += r2", "r2 ^= r1", "w1 *= 31", "r2 += 7", "r3 = r1", "r3 >>= 5", "r1 ^= r3", "r1 &= 0xffff"];
  for (let block = 0; lines.length < instructions - 11; block++) {
    lines.push(`if r1 s> ${block + 0x10000} goto +4`, ...body, "r1 += 1");
  }
  while (lines.length < instructions - 1) lines.push("r1 += 3");
  return assemble([...lines, "exit"].join("\n"));
}

function program(file, name) {
  return () => {
    const spec = readObject(readFileSync(at(`programs/${file}`)), { name });
    const chosen = spec.programs.get(name);
    const needed = new Set(chosen.references.filter((each) => "map" in each).map((each) => each.map));
    for (const map of spec.maps.keys()) if (!needed.has(map)) spec.maps.delete(map);
    for (const [variable, { map }] of spec.variables) if (!needed.has(map)) spec.variables.delete(variable);
    spec.programs = new Map([[name, chosen]]);
    return spec;
  };
}

/** @param edit what is changed of the object before it is loaded */
function edited(read, edit) {
  return () => {
    const spec = read();
    edit(spec);
    return spec;
  };
}

function flows(count) {
  return edited(program("maps.xdp.o", "hash_lookup"), (spec) => {
    spec.maps.get("flows").maxEntries = count;
    spec.variables.get("flow_count").set(count);
  });
}

function balancer({ maps }) {
  const servers = ["10.0.0.11", "10.0.0.12", "10.0.0.13"];
  maps.services.update({ address: "192.0.2.80", port: 0x5000, protocol: 6, pad: 0 }, { index: 0 });
  servers.forEach((address, index) => {
    maps.servers.update(index, { address, mac: `02:00:00:00:00:${11 + index}`, pad: 0 });
  });
  const table = maglevTable(servers, 4099);
  fill(maps.maglev, table.length, u32, (slot) => u32(table[slot]));
}

/** The filter with a block list, and rates that nobody reaches. */
const filter = edited(
  () => readObject(readFileSync(at("../../examples/ddos-filter/ddos-filter.bpf.o")), { name: "ddos" }),
  (spec) => {
    spec.variables.get("packet_rate").set(1_000_000_000n);
    spec.variables.get("packet_burst").set(1_000_000_000_000n);
    spec.variables.get("syn_rate").set(1_000_000_000n);
    spec.variables.get("syn_burst").set(1_000_000_000_000n);
  },
);

const compute = (name) => ({ object: program("compute.xdp.o", name), program: name, plain: true });
const withMaps = (name) => ({ object: program("maps.xdp.o", name), program: name });

/**
 * The workloads. `object` reads a fresh ObjectSpec; `setup` prepares a loaded object; `plain` ones exist for runtimes
 * without maps and as native code; `calls` is how many events a run may leave behind before its ring is emptied.
 */
export const workloads = [
  { name: "empty", ...compute("empty") },
  { name: "ALU 64-bit loop", ...compute("alu64") },
  { name: "ALU 32-bit loop", ...compute("alu32") },
  { name: "parse + count", ...withMaps("parse_count") },
  { name: "parse + count x8", ...withMaps("parse_count_8") },
  {
    name: "hash lookup x4, 10 k flows",
    object: flows(10_000),
    program: "hash_lookup",
    setup: ({ maps }) => fill(maps.flows, 10_000, flowKey, counter),
  },
  {
    name: "hash lookup x4, 1 M flows",
    object: flows(1_000_000),
    program: "hash_lookup",
    setup: ({ maps }) => fill(maps.flows, 1_000_000, flowKey, counter),
  },
  { name: "LRU update", ...withMaps("lru_update") },
  {
    name: "LPM lookup, 100 k prefixes",
    ...withMaps("lpm_lookup"),
    setup: ({ maps }) => fill(maps.routes, 100_000, prefixKey, counter),
  },
  {
    name: "tail-call chain of 33",
    ...withMaps("tail_chain"),
    setup: (object) => object.maps.programs.raw.updateReference(u32(0), object.program("tail_chain")),
  },
  { name: "200 calls, inlinable", ...compute("calls_small") },
  { name: "50 calls, not inlinable", ...compute("calls_large") },
  { name: "checksum of 1500 B", ...compute("checksum") },
  { name: "SipHash of 64 B", ...compute("siphash") },
  { name: "ChaCha block", ...compute("chacha") },
  { name: "byte scanner, 1400 B", ...compute("scanner") },
  {
    name: "64 array lookups",
    ...withMaps("lookups_64"),
    setup: ({ maps }) => fill(maps.counters, 256, u32, counter),
  },
  {
    name: "10 k straight-line",
    insns: straightLine,
    program: "straight_line",
  },
  { name: "ring-buffer output", ...withMaps("ring_output"), ring: "events", runs: 200_000 },
  {
    name: "load balancer",
    object: program("load-balancer.xdp.o", "balance_again"),
    program: "balance_again",
    setup: balancer,
    packets: webPackets,
    verdict: XDP_TX,
  },
  { name: "DDoS filter", object: filter, program: "ddos_filter", packets: webPackets },
];

/** Loads a workload into a host: its program, and what empties its ring. */
export async function load(workload, host) {
  const { object: read, insns } = workload;
  if (read === undefined) {
    const spec = createProgram({ name: workload.program, type: "xdp", insns: insns(), license: "GPL" });
    return { program: await host.loadProgram(spec), drain: () => {} };
  }
  const object = await host.load(read());
  workload.setup?.(object);
  if (workload.ring === undefined) return { program: object.program(workload.program), drain: () => {} };
  const events = object.maps[workload.ring].raw.subscribe({ event: () => {}, lost: () => {} });
  events.pause();
  return { program: object.program(workload.program), drain: () => events.poll() };
}

/** The packets that a workload runs on. */
export function packetsOf(workload) {
  return workload.packets?.() ?? [packet()];
}

/** Instructions of a workload's plain form: r1 is memory, r2 its length. */
export function plainInstructions({ program: name }) {
  const spec = readObject(readFileSync(at("programs/compute.plain.o")), { name });
  return spec.programs.get(name).insns;
}
