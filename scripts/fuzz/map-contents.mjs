// What maps hold before a run and after it, on both hosts alike. A host is `{ update, lookup, next, pop }` by a map's name,
// each answering undefined or false where bpf(2) fails.
import { mapKinds } from "./environment.mjs";

const HASH = 1;
const ARRAY = 2;
const PERCPU_HASH = 5;
const PERCPU_ARRAY = 6;
const LRU_HASH = 9;
const LPM_TRIE = 11;
const QUEUE = 22;
const STACK = 23;
const arrays = new Set([ARRAY, PERCPU_ARRAY]);
const hashes = new Set([HASH, PERCPU_HASH, LRU_HASH, LPM_TRIE]);
const perCpu = new Set([PERCPU_ARRAY, PERCPU_HASH]);

const slotSize = (size) => (size + 7) & ~7;
const pattern = (size, seed) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + seed * 13 + 1) & 0xff);

function keyOf({ type, keySize }, index) {
  const key = new Uint8Array(keySize);
  if (type === LPM_TRIE) key.set([8 * (index + 1), 0, 0, 0, 10, index]);
  else key[0] = index;
  return key;
}

/** Bytes that user space passes for a value: of all CPUs, 8-byte aligned, in per-CPU maps. */
export function transferSize({ type, valueSize }, cpus) {
  return perCpu.has(type) ? slotSize(valueSize) * cpus : valueSize;
}

function initialValue(kind, seed, cpus) {
  const value = pattern(kind.valueSize, seed);
  if (kind.valueTypeId !== undefined) value.fill(0);
  if (!perCpu.has(kind.type)) return value;
  const all = new Uint8Array(transferSize(kind, cpus));
  for (let cpu = 0; cpu < cpus; cpu++) all.set(value, cpu * slotSize(kind.valueSize));
  return all;
}

/** Puts a few entries into a map: those with the smallest keys, which programs happen to look for. */
export function fillMap(name, host, cpus) {
  const kind = mapKinds[name];
  if (kind.freeze || !(arrays.has(kind.type) || hashes.has(kind.type) || kind.type === QUEUE || kind.type === STACK))
    return;
  const count = Math.min(kind.maxEntries, 3);
  for (let index = 0; index < count; index++) host.update(name, keyOf(kind, index), initialValue(kind, index, cpus));
}

/** All entries as text, sorted. Of per-CPU values it is not said which CPU has which. */
export function dumpMap(name, host, cpus) {
  const kind = mapKinds[name];
  const size = transferSize(kind, cpus);
  const entries = [];
  const show = (key, value) => entries.push(`${hex(key)} = ${value === undefined ? "-" : printValue(kind, value)}`);
  if (arrays.has(kind.type)) {
    for (let index = 0; index < kind.maxEntries; index++) {
      const key = keyOf(kind, index);
      show(key, host.lookup(name, key, size));
    }
  } else if (hashes.has(kind.type)) {
    let key;
    for (let count = 0; count < 1000; count++) {
      key = host.next(name, key);
      if (key === undefined) break;
      show(key, host.lookup(name, key, size));
    }
    entries.sort();
  } else if (kind.type === QUEUE || kind.type === STACK) {
    for (let value = host.pop(name, size); value !== undefined; value = host.pop(name, size)) show([], value);
  }
  return entries;
}

function printValue(kind, value) {
  if (!perCpu.has(kind.type)) return hex(value);
  const size = slotSize(kind.valueSize);
  const copies = [];
  for (let at = 0; at < value.length; at += size) copies.push(hex(value.subarray(at, at + kind.valueSize)));
  return copies.sort().join(" | ");
}

function hex(bytes) {
  return Buffer.from(bytes).toString("hex");
}
