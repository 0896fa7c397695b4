import type { MapType } from "../abi/index.js";
import type { EventSink, EventSubscription } from "./event-stream.js";
import type { Program } from "./program.js";

/** What a map is, whichever host holds it. Sizes in bytes. */
export interface MapInfo {
  readonly name: string;
  readonly type: MapType;
  /** The host's id of the map, from 1. */
  readonly id: number;
  readonly keySize: number;
  /** Size of one value; of one CPU's value in per-CPU maps. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_* as created. */
  readonly flags: number;
}

/** A map or program that a slot of another map can refer to. */
export type SlotTarget = { readonly raw: RawMap } | Program;

/**
 * A map as bytes: what each host implements, and what {@link BpfMap} puts types on.
 *
 * Every method checks the sizes of keys and values and throws SyscallError with the errno that bpf(2) gives: EINVAL for a
 * wrong size or an unknown flag, EEXIST and ENOENT for BPF_NOEXIST and BPF_EXIST, E2BIG when the map is full, EPERM on a
 * frozen or read-only map, EBADF after `close()`, EOPNOTSUPP or ENOTSUPP (524) where the map type lacks the operation.
 *
 * Values of per-CPU maps are what bpf(2) passes: one value a *possible* CPU, each padded to a multiple of 8 bytes.
 * Bytes that are returned belong to the caller.
 */
export interface RawMap {
  readonly info: MapInfo;
  /** Bytes that `lookup` returns and `update` takes: `valueSize`, or that of all CPUs together. */
  readonly transferSize: number;

  /** The value, or undefined where there is none (ENOENT). Queues and stacks peek with an empty key. */
  lookup(key: Uint8Array, flags?: number): Uint8Array | undefined;
  /** `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK. Queues and stacks push with an empty key. */
  update(key: Uint8Array, value: Uint8Array, flags?: number): void;
  /**
   * Where the host can: changes part of a value in place, without touching the rest of it, which programs may be changing
   * meanwhile. False where this map does not have that; then the value has to be updated as a whole.
   */
  patch?(key: Uint8Array, offset: number, bytes: Uint8Array): boolean;
  /** Makes a slot of a prog array, array of maps, hash of maps ... refer to `target`. */
  updateReference(key: Uint8Array, target: SlotTarget, flags?: number): void;
  /** False where there was nothing to delete (ENOENT). */
  delete(key: Uint8Array): boolean;
  /** Lookup and deletion in one step (queues and stacks: pop, with an empty key); undefined where there is none. */
  lookupAndDelete(key: Uint8Array, flags?: number): Uint8Array | undefined;
  /** The key after `key`; the first one where `key` is undefined or no longer there. Undefined at the end. */
  nextKey(key?: Uint8Array): Uint8Array | undefined;

  /**
   * All entries, in the map's own order. Entries may come and go meanwhile: one that is there all the time is seen at
   * least once, and the walk ends after at most `maxEntries` steps beyond what it began with. With `nonZero`, values of
   * nothing but zeros are passed over, which a host may do much faster than its caller.
   */
  entries(options?: { readonly nonZero?: boolean | undefined }): IterableIterator<[key: Uint8Array, value: Uint8Array]>;
  /** `count` entries at once, keys and values laid end to end. Returns how many were written. */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags?: number): number;
  /** Returns how many were deleted. */
  deleteBatch(keys: Uint8Array, count: number): number;

  /** No more writing from outside (BPF_MAP_FREEZE). */
  freeze(): void;

  /** Delivers what programs send through a ring buffer or a perf event array. */
  subscribe(sink: EventSink): EventSubscription;

  /** Gives up this handle; the map lives on while a program, a map or a pin holds it. Twice is harmless. */
  close(): void;
}
