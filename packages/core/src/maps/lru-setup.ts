import type { LinearMemory } from "../wasm/index.js";
import { element, lruLists, lruLocal, mapHeader } from "./layout.js";

/** What a CPU takes from a common LRU at most, and what one scan looks at. */
const COMMON_LRU_BATCH = 128;
/** The same of a CPU's own LRU. */
const OWN_LRU_BATCH = 4;

interface LruShape {
  /** One set of lists for all CPUs, with local lists; else each CPU has a set (BPF_F_NO_COMMON_LRU). */
  readonly common: boolean;
  readonly cpus: number;
  /** A multiple of the CPUs where each has a set. */
  readonly maxEntries: number;
}

/** Bytes for all lists of a map. */
export function lruListsSize(common: boolean, cpus: number): number {
  return common ? lruLists.SIZE + cpus * lruLocal.SIZE : cpus * lruLists.SIZE;
}

/** Makes a map's empty lists at `lists`. All elements are fresh. */
export function createLruLists(memory: LinearMemory, map: number, lists: number, shape: LruShape): void {
  const { common, cpus, maxEntries } = shape;
  const { u32 } = memory;
  const emptyList = (head: number) => {
    u32[(head + element.LINK) >>> 2] = head;
    u32[(head + element.PREVIOUS) >>> 2] = head;
  };
  const sets = common ? 1 : cpus;
  const share = maxEntries / sets;
  u32[(map + mapHeader.LRU) >>> 2] = lists;
  for (let at = 0; at < sets; at++) {
    const set = lists + at * lruLists.SIZE;
    for (const head of [lruLists.FREE, lruLists.INACTIVE, lruLists.ACTIVE]) emptyList(set + head);
    u32[(set + lruLists.ROTATION) >>> 2] = set + lruLists.INACTIVE;
    u32[(set + lruLists.FRESH) >>> 2] = at * share;
    u32[(set + lruLists.FRESH_END) >>> 2] = (at + 1) * share;
  }
  const target = Math.floor(Math.floor(maxEntries / cpus) / 2);
  const batch = common ? COMMON_LRU_BATCH : OWN_LRU_BATCH;
  u32[(map + mapHeader.LRU_TARGET) >>> 2] = common ? Math.min(Math.max(target, 1), batch) : batch;
  u32[(map + mapHeader.LRU_SCANS) >>> 2] = batch;
  if (!common) return;
  const locals = lists + lruLists.SIZE;
  u32[(map + mapHeader.LRU_LOCAL) >>> 2] = locals;
  for (let cpu = 0; cpu < cpus; cpu++) {
    const local = locals + cpu * lruLocal.SIZE;
    emptyList(local + lruLocal.FREE);
    emptyList(local + lruLocal.PENDING);
    // Which CPU is robbed first only has to differ.
    u32[(local + lruLocal.STEAL) >>> 2] = cpu;
  }
}
