/**
 * How maps lie in linear memory. The address of a map's header is what a program's lddw loads; storage hangs off it.
 * Everything is little-endian; addresses, sizes and counts are u32. The map core, the engines and TypeScript share these
 * offsets.
 */

/** Offsets in a map's header. Fields that a type doesn't use are 0. */
export const mapHeader = {
  /** Number of the map type (`BPF_MAP_TYPE_*`). */
  TYPE: 0,
  KEY_SIZE: 4,
  VALUE_SIZE: 8,
  MAX_ENTRIES: 12,
  /** BPF_F_* as created. */
  FLAGS: 16,
  /** Entries that are there now. */
  COUNT: 20,
  /** Taken around changes by several threads; 0 is free. */
  LOCK: 24,
  /** Even while the hash table's slots are at rest, for readers in other threads. */
  SEQUENCE: 28,

  /** Arrays, queues: address of entry 0 (of CPU 0). Ring buffers: address of the block (see {@link ringBlock}). */
  STORAGE: 32,
  /** Bytes from one array or queue entry, hash element or trie node to the next. */
  STRIDE: 36,
  /** Bytes from one CPU's copy of a value to the next CPU's. */
  CPU_STRIDE: 40,
  /** CPUs that have a copy. */
  CPUS: 44,

  /** Hash kinds: address of the slots (see {@link hashSlot}); tries: root node. */
  TABLE: 48,
  /** Bytes of the table less one slot: masks a byte offset into the table. */
  TABLE_MASK: 52,
  /** State of the hash function after seed and key length went in. */
  SEED_A: 56,
  SEED_B: 60,
  /** Bytes from an element's address to its value. */
  VALUE_OFFSET: 64,

  /** Element pool: directory of chunks, pairs of (elements, per-CPU values) addresses. */
  CHUNKS: 68,
  /** log2 of the elements of one chunk. */
  CHUNK_SHIFT: 72,
  /** Elements that were ever in use: indexes below have a meaning. */
  USED: 76,
  /** Elements that have memory. */
  CAPACITY: 80,
  /** Stack of elements that were given back, linked by {@link element}.LINK. */
  FREE: 84,
  /** Address of one spare element a CPU, for replacing an element of a full preallocated map; 0 where there are none. */
  SPARES: 88,
  /** Bytes from one per-CPU value to the next element's in a chunk. */
  VALUE_STRIDE: 92,

  /** LRU: address of the lists (see `lruLists`), one set or one a CPU. */
  LRU: 96,
  /** LRU: address of each CPU's local lists; 0 with BPF_F_NO_COMMON_LRU. */
  LRU_LOCAL: 100,
  /** LRU: nodes that a CPU takes from the common lists at once. */
  LRU_TARGET: 104,
  /** LRU: nodes that one scan looks at. */
  LRU_SCANS: 108,

  /** Queues and stacks: index of the next push; ring buffers: bytes of data less one. */
  HEAD: 112,
  /** Queues: index of the oldest entry. */
  TAIL: 116,
  /** Bloom filters: hash functions. */
  HASHES: 120,
  /** Ring buffers: how often a reader was to be woken. */
  WAKEUPS: 124,

  /**
   * Where a value has fields that copies leave alone (bpf_spin_lock, bpf_timer ...): address of (offset, size) pairs in
   * order, up to a pair whose offset is the value's size; 0 where there are none.
   */
  FIELDS: 128,
  /** Offset of the value's bpf_spin_lock plus 1; 0 where it has none. */
  SPIN_LOCK: 132,
  /** Tries: nodes that were freed but may still be read by the running program, oldest and newest. */
  RETIRED: 136,
  RETIRED_LAST: 140,
  /** Tries: address of the number of the current run: what was retired in an earlier run can be used again. */
  RUN: 144,
  /** Large tries: address of the index of the first 16 bits (see `trieIndex`), else 0. */
  INDEX: 148,
  /** Lookups until the index is made again; 0 while it is right. */
  INDEX_WAIT: 152,
} as const;

/** Bytes of a header. */
export const MAP_HEADER_SIZE = 192;

/** A slot of a hash table; ELEMENT 0 marks an empty one. Linear probing, so a chain of full slots ends at an empty one. */
export const hashSlot = { HASH: 0, ELEMENT: 4, SIZE: 8 } as const;

/** Offsets in an element of the hash kinds. The key follows, padded to 8 bytes, then the value. */
export const element = {
  /** Next free element, or next of an LRU list. */
  LINK: 0,
  /** Index in the pool, with `ELEMENT_LIVE` while it is in the table. */
  STATE: 4,
  /** Start of the key, without LRU. */
  KEY: 8,
  /** LRU: previous of the list. */
  PREVIOUS: 8,
  /** LRU: kind of the list that it is in. */
  LIST: 12,
  /** LRU: 1 when a program looked it up since it was last moved. */
  REFERENCED: 13,
  /** LRU: CPU that took it, a u16. */
  CPU: 14,
  /** Start of the key, with LRU. */
  LRU_KEY: 16,
} as const;

export const ELEMENT_LIVE = 0x8000_0000;

/** Kinds of LRU lists, as an element's LIST says. */
export const lruList = { FREE: 0, INACTIVE: 1, ACTIVE: 2, LOCAL_FREE: 3, PENDING: 4 } as const;

/** A set of LRU lists; each list is a ring through a head that has LINK and PREVIOUS as elements do. */
export const lruLists = {
  FREE: 0,
  INACTIVE: 16,
  ACTIVE: 32,
  /** Lengths. */
  INACTIVE_COUNT: 48,
  ACTIVE_COUNT: 52,
  /** Where the next walk through the inactive list goes on. */
  ROTATION: 56,
  /** Pool indexes from FRESH up to FRESH_END were never used; they count as free. */
  FRESH: 60,
  FRESH_END: 64,
  SIZE: 80,
} as const;

/** A CPU's local lists of a common LRU. */
export const lruLocal = {
  FREE: 0,
  PENDING: 16,
  /** CPU to take nodes from next, when there are none. */
  STEAL: 32,
  SIZE: 48,
} as const;

/** Offsets in a node of an LPM trie. The prefix's bits follow as big-endian u64s, then the value. */
export const trieNode = {
  /** Subtrees of the next bit being 0 and 1. */
  CHILD: 0,
  PARENT: 8,
  /** Bits of the prefix; and `TRIE_BRANCH` where the node is only a fork. */
  LENGTH: 12,
  WORDS: 16,
} as const;

/** A retired node: the next one, and the run that it was retired in. */
export const retiredNode = { LINK: 0, RUN: 4 } as const;

/** An entry of a trie's index: for one value of the first 16 bits, the node to go on with and the best match so far. */
export const trieIndex = { NODE: 0, BEST: 4, SIZE: 8, ENTRIES: 65536 } as const;

export const TRIE_BRANCH = 0x8000_0000;

/** An entry of the types whose values refer to kernel objects. */
export const handleSlot = {
  /** What a program sees: {ifindex, program id} in device maps, {queue size, program id} in CPU maps; else the id. */
  VALUE: 0,
  /** What the runtime runs or sends to; a map header's address in maps of maps. 0 is an empty entry. */
  HANDLE: 8,
  SIZE: 16,
} as const;

/**
 * The block of a ring buffer. From CONSUMER on it is what user space maps: consumer page, producer page, data. Behind the
 * data is as much room again, so that a record that starts near the end is in one piece; the kernel maps the same pages
 * twice for that.
 */
export const ringBlock = {
  /** Address of the map's header. */
  MAP: 0,
  /** u64: start of the oldest record that isn't committed yet. */
  PENDING: 8,
  /** u64: bytes consumed. */
  CONSUMER: 4096,
  /** u64: bytes produced. */
  PRODUCER: 8192,
  DATA: 12288,
} as const;

export function roundUp8(size: number): number {
  return Math.ceil(size / 8) * 8;
}
