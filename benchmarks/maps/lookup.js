// What one map operation costs, from TypeScript and from a WebAssembly caller, in nanoseconds (minimum and median of
// several rounds over shuffled keys).
//
//     npm run build && node benchmarks/maps/lookup.js [--json OUT] [--quick]
import { writeFileSync } from "node:fs";
import { createMap, MapCore } from "@tsbpf/core/maps";
import { I32, i32, instantiate, LinearMemory, ModuleBuilder } from "@tsbpf/core/wasm";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 15;

const core = new MapCore({ memory: new LinearMemory(), cpus: 2, seed: () => 42 });
const { memory, functions } = core;

/** A WebAssembly function `(map, keys, count, stride) -> found` that calls one of the core's `(map, key)` functions. */
function wasmCaller(name) {
  const module = new ModuleBuilder("bench");
  module.importMemory("env", "memory", { minimum: 1 });
  const lookup = module.importFunction("env", "lookup", [I32, I32], [I32]);
  const f = module.function("run", { map: I32, keys: I32, count: I32, stride: I32 }, [I32]);
  const found = f.local(I32);
  f.loop((again) => {
    f.get(found).get(f.params.map).get(f.params.keys).call(lookup).i32(0).op(i32.ne).op(i32.add).set(found);
    f.get(f.params.keys).get(f.params.stride).op(i32.add).set(f.params.keys);
    f.get(f.params.count).i32(1).op(i32.sub).tee(f.params.count).brIf(again);
  });
  f.get(found);
  module.exportFunction("run", f);
  return instantiate(module.finish(), { env: { memory: memory.memory, lookup: functions[name] } }).exports.run;
}

const random = (() => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 1;
  };
})();

/** Distinct keys of a size, in an order of their own. */
function makeKeys(count, size, shape) {
  const keys = Array.from({ length: count }, (_, at) => shape(at, size));
  for (let at = count - 1; at > 0; at--) {
    const other = random() % (at + 1);
    [keys[at], keys[other]] = [keys[other], keys[at]];
  }
  return keys;
}

const u32 = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const counting = (at, size) => new Uint8Array([...u32(at), ...new Array(size).fill(0)].slice(0, size));
/** Addresses, ports and protocol of a flow, as a 5-tuple lies in a key. */
const flow = (at, size) => {
  const hash = Math.imul(at, 0x9e3779b1) >>> 0;
  const bytes = [...u32(hash), ...u32(0x0a000001), ...u32(at ^ 0x55aa), 6, 0, 0, 0, ...new Array(size).fill(0)];
  return new Uint8Array(bytes.slice(0, size));
};
const prefix = (at) => {
  const hash = Math.imul(at, 0x9e3779b1) >>> 0;
  return new Uint8Array([...u32(32), ...u32(hash)]);
};

function measure(work, operations) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    work();
    times.push(Number(process.hrtime.bigint() - start) / operations);
  }
  times.sort((a, b) => a - b);
  return { min: times[0], median: times[times.length >> 1] };
}

const results = [];
function report(name, how, { min, median }) {
  results.push({ workload: name, how, min, median });
  console.log(
    `${name.padEnd(38)} ${how.padEnd(12)} min ${min.toFixed(1).padStart(7)}  median ${median.toFixed(1).padStart(7)} ns`,
  );
}

function benchLookup(name, attributes, count, shape, wasmName, insertShape = shape) {
  const map = createMap(core, attributes);
  const value = new Uint8Array(map.transferSize);
  const keys = makeKeys(count, attributes.keySize, shape);
  if (!attributes.type.includes("array"))
    for (let at = 0; at < count; at++) {
      const error = map.update(insertShape(at, attributes.keySize), value);
      if (error !== 0) throw new Error(`${name}: ${error}`);
    }
  const wanted = Math.min(keys.length, 200_000);
  const stride = (attributes.keySize + 7) & ~7;
  const inMemory = memory.alloc(wanted * stride);
  for (let at = 0; at < wanted; at++) memory.u8.set(keys[at], inMemory + at * stride);
  const repeat = Math.max(1, Math.floor(200_000 / wanted));

  const run = wasmCaller(wasmName);
  const wasm = () => {
    let found = 0;
    for (let again = 0; again < repeat; again++) found += run(map.address, inMemory, wanted, stride);
    if (found !== wanted * repeat) throw new Error(`${name}: ${found} of ${wanted * repeat}`);
  };
  report(name, "wasm", measure(wasm, wanted * repeat));
  if (map.find !== undefined) {
    const find = () => {
      for (let again = 0; again < repeat; again++)
        for (let at = 0; at < wanted; at++) if (map.find(keys[at]) === 0) throw new Error(name);
    };
    report(name, "ts find", measure(find, wanted * repeat));
    const words = stride / 4;
    const written = () => {
      const source = inMemory >>> 2;
      const target = map.keyAddress >>> 2;
      for (let again = 0; again < repeat; again++)
        for (let at = 0; at < wanted; at++) {
          const { u32: cells } = memory;
          for (let word = 0; word < words; word++) cells[target + word] = cells[source + at * words + word];
          if (map.findWritten() === 0) throw new Error(name);
        }
    };
    if (attributes.keySize % 4 === 0) report(name, "ts words", measure(written, wanted * repeat));
  }
  const copy = () => {
    for (let again = 0; again < repeat; again++)
      for (let at = 0; at < wanted; at++) if (map.lookup(keys[at], value) !== 0) throw new Error(name);
  };
  report(name, "ts lookup", measure(copy, wanted * repeat));
  if (attributes.type === "hash" || attributes.type === "lru_hash") {
    const update = () => {
      for (let again = 0; again < repeat; again++)
        for (let at = 0; at < wanted; at++) functions.update(map.address, inMemory + at * stride, inMemory, 0);
    };
    report(name, "update", measure(update, wanted * repeat));
  }
  memory.free(inMemory);
  map.close();
}

const hash = (keySize, maxEntries, extra = {}) => ({ type: "hash", keySize, valueSize: 8, maxEntries, ...extra });
benchLookup(
  "array, 1000",
  { type: "array", keySize: 4, valueSize: 8, maxEntries: 1000 },
  1000,
  counting,
  "array_lookup",
);
benchLookup("hash, u32, 10 k", hash(4, 10_000), 10_000, counting, "hash_lookup_4");
benchLookup("hash, u64, 10 k", hash(8, 10_000), 10_000, counting, "hash_lookup_8");
benchLookup("hash, 5-tuple, 10 k", hash(16, 10_000), 10_000, flow, "hash_lookup_12to16");
benchLookup("hash, 5-tuple, 10 k, dispatched", hash(16, 10_000), 10_000, flow, "lookup");
benchLookup("hash, 5-tuple of 13 bytes, 10 k", hash(13, 10_000), 10_000, flow, "hash_lookup_12to16");
benchLookup("hash, 40 bytes, 10 k", hash(40, 10_000), 10_000, flow, "hash_lookup_any");
benchLookup("hash, 5-tuple, 1 M", hash(16, 1_000_000), 1_000_000, flow, "hash_lookup_12to16");
benchLookup(
  "per-CPU hash, 5-tuple, 10 k",
  { ...hash(16, 10_000), type: "percpu_hash" },
  10_000,
  flow,
  "percpu_hash_lookup_12to16",
);
benchLookup(
  "LRU hash, 5-tuple, 10 k of 11 k",
  { ...hash(16, 11_000), type: "lru_hash" },
  10_000,
  flow,
  "lru_lookup_12to16",
);
benchLookup(
  "LPM, IPv4, 100 k",
  { type: "lpm_trie", keySize: 8, valueSize: 8, maxEntries: 200_000, flags: 1 },
  quick ? 20_000 : 100_000,
  prefix,
  "trie_lookup_4",
);
const out = process.argv[process.argv.indexOf("--json") + 1];
if (process.argv.includes("--json")) writeFileSync(out, `${JSON.stringify(results, undefined, 2)}\n`);
