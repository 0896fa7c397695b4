import { BPF_F_MMAPABLE, BPF_F_NO_PREALLOC } from "./map-flags.js";
import type { MapType } from "./map-types.js";

/** A map's shape: sizes in bytes. */
export interface MinimalMap {
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Has to be created with BTF that knows its key and value. */
  readonly typed: boolean;
}

const PAGE = 4096;
const localStorage = { maxEntries: 0, flags: BPF_F_NO_PREALLOC, typed: true };

const shapes: Readonly<Partial<Record<MapType, Partial<MinimalMap>>>> = {
  stack_trace: { valueSize: 8 },
  lpm_trie: { keySize: 8, valueSize: 8, flags: BPF_F_NO_PREALLOC },
  cgroup_storage: { keySize: 16, valueSize: 8, maxEntries: 0 },
  percpu_cgroup_storage: { keySize: 16, valueSize: 8, maxEntries: 0 },
  queue: { keySize: 0 },
  stack: { keySize: 0 },
  bloom_filter: { keySize: 0 },
  sk_storage: localStorage,
  inode_storage: localStorage,
  task_storage: localStorage,
  cgrp_storage: localStorage,
  ringbuf: { keySize: 0, valueSize: 0, maxEntries: PAGE },
  user_ringbuf: { keySize: 0, valueSize: 0, maxEntries: PAGE },
  arena: { keySize: 0, valueSize: 0, flags: BPF_F_MMAPABLE },
};

/** The smallest map of a type that BPF_MAP_CREATE takes: what a trial of the type is made with. */
export function minimalMap(type: MapType): MinimalMap {
  return { keySize: 4, valueSize: 4, maxEntries: 1, flags: 0, typed: false, ...shapes[type] };
}
