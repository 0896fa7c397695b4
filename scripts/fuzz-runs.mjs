#!/usr/bin/env node
// Runs random programs that both verifiers accept, in the kernel's BPF_PROG_TEST_RUN and three times in the Machine:
// interpreted, translated without checks, translated with every access checked. All have to give the same r0, packet and
// map values. Programs are loaded without CAP_PERFMON where the kernel would take them so (no addresses and no old stack
// contents in what they compute), and call nothing that tells the time, chance, the CPU or addresses. Ends with a line of
// counts; non-zero exit when a result differs.
//
//     npm run fuzz:runs -- [COUNT [SEED]]       COUNT programs of the grammar to look at (2000), from SEED on (1)
//       --one SEED       that program alone, with its instructions
import { parseArgs } from "node:util";
import { createMap, createObject, createProgram, mapTypeName } from "../packages/core/dist/index.js";
import { Machine } from "../packages/core/dist/machine/index.js";
import { Linux } from "../packages/linux/dist/index.js";
import { btf, mapFd, mapKinds, oracleMaps } from "./fuzz/environment.mjs";
import { generateProgram } from "./fuzz/generate.mjs";
import { printProgram } from "./fuzz/print.mjs";
import { randomFrom } from "./fuzz/random.mjs";
import { compare } from "./fuzz/verifier-case.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { one: { type: "string" } } });
const [count = 2000, first = 1] = positionals.map(Number);

const types = new Set(["xdp", "sched_cls", "sched_act", "socket_filter", "cgroup_skb", "lwt_xmit", "lwt_in"]);
const LDDW = 0x18;
const CALL = 0x85;

/** Helpers whose results follow from the packet, the maps and their arguments. */
const pure = new Set([
  ...[1, 2, 3, 87, 88, 89, 12, 26, 9, 10, 11, 28, 39, 44, 54, 65, 68, 93, 94, 105, 106, 131, 132, 133],
  ...[164, 181, 182, 189],
]);
/** Maps that both make alike, whose entries don't depend on who is recently used, and whose values aren't constants. */
const maps = new Set(["array", "hash", "single", "writeOnly", "lpm", "queue", "stack", "bloom", "ring"]);
const more = ["programs", "locked", "lockedArray"];
for (const name of more) maps.add(name);
const nameOf = new Map(Object.entries(mapFd).map(([name, fd]) => [fd, name]));

function slotsOf({ insns }) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const slots = [];
  for (let slot = 0; slot < insns.length / 8; slot++) {
    const at = slot * 8;
    slots.push({ slot, opcode: insns[at], src: insns[at + 1] >> 4, imm: view.getInt32(at + 4, true), high: 0 });
    if (insns[at] === LDDW) {
      slots.at(-1).high = view.getInt32(at + 12, true);
      slot++;
    }
  }
  return slots;
}

/** Does the same everywhere? */
function isPure(program) {
  return slotsOf(program).every(({ opcode, src, imm }) => {
    if (opcode === CALL && src === 0) return pure.has(imm);
    if (opcode === CALL && src === 2) return false;
    if (opcode === LDDW && (src === 1 || src === 2)) return maps.has(nameOf.get(imm));
    return true;
  });
}

function mapSpec(name) {
  const { type, innerMap: _, freeze = false, ...rest } = mapKinds[name];
  const contents = oracleMaps.find(({ fd }) => fd === mapFd[name]).contents ?? [];
  return createMap({ name, type: mapTypeName(type), contents, freeze, ...rest });
}

/** The program with its maps, as any host loads it. */
function objectOf(program) {
  const references = [];
  for (const { slot, opcode, src, imm, high } of slotsOf(program)) {
    if (opcode !== LDDW || (src !== 1 && src !== 2)) continue;
    const map = nameOf.get(imm);
    references.push(src === 1 ? { kind: "map", slot, map } : { kind: "map_value", slot, map, offset: high });
  }
  const used = new Set(references.map(({ map }) => map));
  const typed = program.functions !== undefined;
  const functions = (program.functions ?? [{ slot: 0, typeId: 0 }]).map(({ slot, typeId }, index) => {
    const type = typed ? btf.type(typeId) : undefined;
    return { slot, typeId, name: type?.name ?? `f${index}`, linkage: type?.linkage ?? "static" };
  });
  const { insns, type, attachType, flags, license } = program;
  const spec = createProgram({
    name: "random",
    insns,
    type,
    attachType,
    flags: flags & ~8,
    license,
    references,
    functions,
  });
  return createObject({ btf, programs: [spec], maps: [...used].map(mapSpec) });
}

const keys = Array.from({ length: 4 }, (_, key) => Uint8Array.of(key, 0, 0, 0));

/** What a run leaves behind, on one host. */
async function resultOn(host, object, options, packet) {
  const loaded = await host.load(object, { ...options, pinRoot: null });
  try {
    const { retval, data } = loaded.program("random").testRun({ data: packet, outputSize: 4096 });
    const entries = [...object.maps.keys()].flatMap((name) => {
      const map = loaded.maps[name];
      if (!/array|hash|locked|single/i.test(name)) return [];
      return keys.map((key) => {
        const value = map.raw.lookup(key);
        return `${name} ${key[0]} ${value === undefined ? "-" : Buffer.from(value).toString("hex")}`;
      });
    });
    return JSON.stringify({ retval, data: Buffer.from(data ?? []).toString("hex"), entries });
  } finally {
    loaded.close();
  }
}

const linux = await Linux.open();
const machines = {
  interpreter: [new Machine({ engine: "interpreter" }), {}],
  jit: [new Machine(), {}],
  checked: [new Machine(), { verify: false }],
};

function packetOf(random) {
  const packet = Uint8Array.from({ length: 60 + random.below(80) }, () => random.below(256));
  packet.set([0x08, 0x00, 0x45], 12);
  return packet;
}

/** Hosts whose result isn't the kernel's, with what each said; undefined where there was nothing to run. */
async function runEverywhere(seed) {
  const program = generateProgram(seed);
  if (!types.has(program.type) || !isPure(program)) return undefined;
  const held = { ...program, capabilities: ["bpf", "net_admin"] };
  const { kind, kernel } = compare(held);
  if (!kernel.accepted || (kind !== "agree" && kind !== "processed")) return undefined;
  const object = objectOf(program);
  const packet = packetOf(randomFrom(seed + 0x5eed));
  const attempt = (host, options) =>
    resultOn(host, object, options, packet).catch((error) => `error: ${error.message}`);
  const expected = await attempt(linux, {});
  if (expected.startsWith("error: BPF_PROG_TEST_RUN")) return undefined;
  if (expected.startsWith("error")) throw new Error(`seed ${seed}: ${expected}`);
  const different = [];
  for (const [name, [machine, options]] of Object.entries(machines)) {
    const result = await attempt(machine, options);
    // Dead code may hold what is no instruction: the kernel never looks, an engine that nobody gave a proof does.
    if (/^error: slot \d+: /.test(result)) return undefined;
    if (result !== expected) different.push(`  ${name}  ${result}`);
  }
  return { program, expected, different };
}

let ran = 0;
let wrong = 0;
const seeds = values.one === undefined ? Array.from({ length: count }, (_, i) => first + i) : [Number(values.one)];
for (const seed of seeds) {
  const answer = await runEverywhere(seed);
  if (answer === undefined) continue;
  ran++;
  if (values.one !== undefined) console.log(printProgram(answer.program));
  if (answer.different.length === 0) continue;
  wrong++;
  console.log(`seed ${seed} (${answer.program.type})\n  kernel  ${answer.expected}\n${answer.different.join("\n")}`);
}
console.log(`fuzz: ${seeds.length} programs, ${ran} run in the kernel and three times in the Machine; ${wrong} differ`);
process.exitCode = wrong > 0 ? 1 : 0;
linux.close();
