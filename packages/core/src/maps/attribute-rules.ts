import {
  BPF_F_CLONE,
  BPF_F_INNER_MAP,
  BPF_F_LINK,
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NO_USER_CONV,
  BPF_F_NUMA_NODE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_SEGV_ON_FAULT,
  BPF_F_STACK_BUILD_ID,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  E2BIG,
  EINVAL,
  ENOTSUPP,
  type MapType,
} from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";

// What BPF_MAP_CREATE accepts, type by type, as Linux 6.18 on x86-64 answers (asked attribute by attribute).

/** Sizes that are allowed: a list, or a range whose excess has an errno of its own. */
type SizeRule = readonly number[] | { readonly from: number; readonly to: number; readonly above: number };

interface AttributeRule {
  readonly flags: number;
  readonly key: SizeRule;
  readonly value: SizeRule;
  readonly maxEntries: SizeRule;
  /** Largest key and value together, above which it is E2BIG. */
  readonly keyAndValue?: number;
  /** Largest `map_extra`. */
  readonly extra?: number;
  /** Further conditions: 0 or a positive errno. Asked right after the flags where `early`, else last. */
  readonly early?: (attributes: MapAttributes, flags: number) => number;
  readonly late?: (attributes: MapAttributes, flags: number) => number;
}

const PAGE_SIZE = 4096;
const U32_MAX = 0xffff_ffff;
/** The largest block that the kernel's allocator gives. */
const KMALLOC_MAX = 1 << 22;
/** The largest per-CPU block. */
const PER_CPU_MAX = 32768;
/** Buckets of 16 bytes have to stay below 4 GiB. */
const HASH_MAX_ENTRIES = 1 << 27;

const access = BPF_F_RDONLY | BPF_F_WRONLY;
const programAccess = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const any = { from: 1, to: U32_MAX, above: EINVAL };
const upTo = (to: number, above: number) => ({ from: 1, to, above });

const hash: AttributeRule = {
  flags: BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | access | programAccess | BPF_F_ZERO_SEED,
  key: any,
  value: any,
  maxEntries: upTo(HASH_MAX_ENTRIES, E2BIG),
  keyAndValue: KMALLOC_MAX - 49,
};
const withoutNuma = (_: MapAttributes, flags: number) => (flags & BPF_F_NUMA_NODE ? EINVAL : 0);
const perCpuHash: AttributeRule = { ...hash, value: upTo(PER_CPU_MAX, E2BIG), early: withoutNuma };
const lruEarly = (_: MapAttributes, flags: number) => (flags & BPF_F_NO_PREALLOC ? ENOTSUPP : 0);
const lru: AttributeRule = {
  ...hash,
  flags: hash.flags | BPF_F_NO_COMMON_LRU,
  early: (attributes, flags) => {
    const both = BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE;
    return lruEarly(attributes, flags) || ((flags & both) === both ? EINVAL : 0);
  },
};
const array: AttributeRule = {
  flags: BPF_F_NUMA_NODE | access | programAccess | BPF_F_MMAPABLE | BPF_F_INNER_MAP,
  key: [4],
  value: upTo(0x7fff_ffff, E2BIG),
  maxEntries: any,
};
const handles: AttributeRule = { flags: BPF_F_NUMA_NODE | access, key: [4], value: [4], maxEntries: any };
const redirects: AttributeRule = { ...handles, value: [4, 8] };
const queue: AttributeRule = {
  flags: BPF_F_NUMA_NODE | access | programAccess,
  key: [0],
  value: upTo(KMALLOC_MAX, E2BIG),
  maxEntries: any,
};
const ring: AttributeRule = {
  flags: BPF_F_NUMA_NODE,
  key: [0],
  value: [0],
  maxEntries: any,
  late: ({ maxEntries }) => ((maxEntries & (maxEntries - 1)) === 0 && maxEntries % PAGE_SIZE === 0 ? 0 : EINVAL),
};
const cgroupStorage: AttributeRule = {
  flags: BPF_F_NUMA_NODE | access | programAccess,
  key: [8, 16],
  value: upTo(65407, E2BIG),
  maxEntries: [0],
};
/** Storage that hangs on kernel objects; the kernel wants BTF of key and value with it. */
const localStorage: AttributeRule = {
  flags: BPF_F_NO_PREALLOC | BPF_F_CLONE,
  key: [4],
  value: upTo(65407, E2BIG),
  maxEntries: [0],
  early: (_, flags) => (flags & BPF_F_NO_PREALLOC ? 0 : EINVAL),
};

const rules: Record<MapType, AttributeRule> = {
  hash,
  percpu_hash: perCpuHash,
  lru_hash: lru,
  lru_percpu_hash: {
    ...lru,
    value: upTo(PER_CPU_MAX, E2BIG),
    early: (attributes, flags) => lruEarly(attributes, flags) || withoutNuma(attributes, flags),
  },
  hash_of_maps: { ...hash, value: [4] },
  array,
  percpu_array: { ...array, flags: access | programAccess, value: upTo(PER_CPU_MAX, E2BIG) },
  prog_array: handles,
  perf_event_array: { ...handles, flags: handles.flags | BPF_F_PRESERVE_ELEMS },
  cgroup_array: handles,
  array_of_maps: handles,
  xskmap: handles,
  devmap: redirects,
  devmap_hash: { ...redirects, maxEntries: upTo(2 ** 31, EINVAL) },
  cpumap: { ...redirects, flags: BPF_F_NUMA_NODE, maxEntries: upTo(256, E2BIG) },
  sockmap: redirects,
  sockhash: { ...redirects, key: upTo(512, E2BIG), maxEntries: upTo(2 ** 31, EINVAL) },
  reuseport_sockarray: { ...redirects, flags: redirects.flags | programAccess },
  stack_trace: {
    flags: BPF_F_NUMA_NODE | access | BPF_F_STACK_BUILD_ID,
    key: [4],
    value: any,
    maxEntries: upTo(2 ** 31, E2BIG),
    early: checkTraceSize,
  },
  lpm_trie: {
    flags: BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | access | programAccess,
    key: { from: 5, to: 260, above: EINVAL },
    value: upTo(4194024, EINVAL),
    maxEntries: any,
    early: (_, flags) => (flags & BPF_F_NO_PREALLOC ? 0 : EINVAL),
  },
  queue,
  stack: queue,
  bloom_filter: { ...queue, flags: queue.flags | BPF_F_ZERO_SEED, extra: 15 },
  ringbuf: ring,
  user_ringbuf: ring,
  cgroup_storage: cgroupStorage,
  percpu_cgroup_storage: { ...cgroupStorage, value: upTo(PER_CPU_MAX, E2BIG) },
  sk_storage: localStorage,
  inode_storage: localStorage,
  task_storage: localStorage,
  cgrp_storage: localStorage,
  struct_ops: { flags: BPF_F_LINK, key: [4], value: any, maxEntries: [1] },
  arena: {
    flags: BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV,
    key: [0],
    value: [0],
    maxEntries: upTo(1 << 20, E2BIG),
    extra: Number.MAX_SAFE_INTEGER,
    early: (_, flags) => (flags & BPF_F_MMAPABLE ? 0 : EINVAL),
    late: ({ mapExtra = 0n }) => (mapExtra % BigInt(PAGE_SIZE) === 0n ? 0 : EINVAL),
  },
};

/** Instruction pointers of 8 bytes, or build ids with offsets of 32, up to kernel.perf_event_max_stack of them. */
function checkTraceSize({ valueSize }: MapAttributes, flags: number): number {
  const unit = flags & BPF_F_STACK_BUILD_ID ? 32 : 8;
  return valueSize >= unit && valueSize % unit === 0 && valueSize / unit <= 127 ? 0 : EINVAL;
}

function checkSize(size: number, rule: SizeRule): number {
  if (!("from" in rule)) return rule.includes(size) ? 0 : EINVAL;
  if (size < rule.from) return EINVAL;
  return size > rule.to ? rule.above : 0;
}

const bothOf = (flags: number, both: number) => (flags & both) === both;

/** 0, or the positive errno that BPF_MAP_CREATE gives for these attributes. Memory and references aside. */
export function checkAttributes(attributes: MapAttributes): number {
  const rule = rules[attributes.type];
  const flags = attributes.flags ?? 0;
  const numbers = [attributes.keySize, attributes.valueSize, attributes.maxEntries, flags, attributes.numaNode ?? 0];
  if (!numbers.every(isU32) || !isMapName(attributes.name ?? "")) return EINVAL;
  if ((attributes.mapExtra ?? 0n) > BigInt(rule.extra ?? 0)) return EINVAL;
  if (flags & BPF_F_NUMA_NODE && (attributes.numaNode ?? 0) !== 0) return EINVAL;
  if ((flags & ~rule.flags) !== 0 || bothOf(flags, access) || bothOf(flags, programAccess)) return EINVAL;
  const early = rule.early?.(attributes, flags) ?? 0;
  if (early !== 0) return early;
  const sizes: (readonly [number, SizeRule])[] = [
    [attributes.maxEntries, rule.maxEntries],
    [attributes.keySize, rule.key],
    [attributes.valueSize, rule.value],
  ];
  // What is simply wrong comes before what is only too big.
  const errors = sizes.map(([size, sizeRule]) => checkSize(size, sizeRule));
  if (errors.includes(EINVAL)) return EINVAL;
  if (errors.includes(E2BIG)) return E2BIG;
  if (attributes.keySize + attributes.valueSize > (rule.keyAndValue ?? Number.POSITIVE_INFINITY)) return E2BIG;
  return rule.late?.(attributes, flags) ?? 0;
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= U32_MAX;
}

/** Names of maps and programs: up to 15 letters, digits, `_` and `.`. */
function isMapName(name: string): boolean {
  return /^[A-Za-z0-9_.]{0,15}$/.test(name);
}
