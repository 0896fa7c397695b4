import { E2BIG, EEXIST, EINVAL, ENOENT } from "../abi/index.js";
import { readIndex, writeIndex } from "./array-map.js";
import type { MapAttributes } from "./attributes.js";
import { startHash } from "./core/wyhash32.js";
import { mapHeader } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

/** Flags of bpf_get_stackid(): equal hashes are taken for equal traces; a trace with another's id replaces it. */
const BPF_F_FAST_STACK_CMP = 1 << 9;
const BPF_F_REUSE_STACKID = 1 << 10;

/** A bucket: bytes of its trace plus 1 (0: empty), hash, trace. */
const bucket = { LENGTH: 0, HASH: 4, TRACE: 8 } as const;

/** Stack traces by the id that bpf_get_stackid() gives them; user space reads and deletes. */
export class StackTraceMap extends LiveMap {
  readonly #buckets: number;
  readonly #stride: number;
  readonly #storage: number;
  readonly #seed: number;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.#buckets = 2 ** Math.ceil(Math.log2(this.maxEntries));
    this.#stride = bucket.TRACE + this.valueSize;
    this.#storage = this.allocate(this.#stride * this.#buckets);
    this.#seed = core.nextSeed();
    this.set(mapHeader.STORAGE, this.#storage);
    this.set(mapHeader.STRIDE, this.#stride);
  }

  /**
   * Keeps a trace (instruction pointers of 8 bytes, or build ids), cut to the value's size. Returns its id, or -EEXIST
   * where another trace has it.
   *
   * @param flags of bpf_get_stackid().
   */
  store(trace: Uint8Array, flags: number): number {
    const length = Math.min(trace.length, this.valueSize);
    const hash = hashOf(trace, length, this.#seed);
    const id = hash & (this.#buckets - 1);
    const at = this.#at(id);
    const { u32 } = this.memory;
    const taken = u32[(at + bucket.LENGTH) >>> 2]! !== 0;
    const sameHash = taken && u32[(at + bucket.HASH) >>> 2] === hash;
    if (sameHash && ((flags & BPF_F_FAST_STACK_CMP) !== 0 || this.#holds(at, trace, length))) return id;
    if (taken && (flags & BPF_F_REUSE_STACKID) === 0) return -EEXIST;
    u32[(at + bucket.LENGTH) >>> 2] = length + 1;
    u32[(at + bucket.HASH) >>> 2] = hash;
    writeBytes(this.memory, at + bucket.TRACE, trace, 0, length);
    this.memory.u8.fill(0, at + bucket.TRACE + length, at + this.#stride);
    return id;
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const id = readIndex(key);
    if (!this.#isTaken(id)) return -ENOENT;
    readBytes(this.memory, this.#at(id) + bucket.TRACE, value, 0, this.valueSize);
    return 0;
  }

  protected updateEntry(): number {
    return -EINVAL;
  }

  protected deleteEntry(key: Uint8Array): number {
    const id = readIndex(key);
    if (id >= this.#buckets) return -E2BIG;
    if (!this.#isTaken(id)) return -ENOENT;
    this.memory.u32[(this.#at(id) + bucket.LENGTH) >>> 2] = 0;
    return 0;
  }

  protected override takeEntry(key: Uint8Array, value: Uint8Array): number {
    const error = this.lookupEntry(key, value);
    return error === 0 ? this.deleteEntry(key) : error;
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    let id = 0;
    if (key !== undefined && this.#isTaken(readIndex(key))) id = readIndex(key) + 1;
    while (id < this.#buckets && !this.#isTaken(id)) id++;
    if (id === this.#buckets) return -ENOENT;
    writeIndex(next, id);
    return 0;
  }

  #at(id: number): number {
    return this.#storage + id * this.#stride;
  }

  #isTaken(id: number): boolean {
    return id < this.#buckets && this.memory.u32[(this.#at(id) + bucket.LENGTH) >>> 2] !== 0;
  }

  #holds(at: number, trace: Uint8Array, length: number): boolean {
    if (this.memory.u32[(at + bucket.LENGTH) >>> 2] !== length + 1) return false;
    for (let byte = 0; byte < length; byte++) {
      if (this.memory.u8[at + bucket.TRACE + byte] !== trace[byte]) return false;
    }
    return true;
  }
}

/** FNV-1a over bytes from a seed: traces are hashed outside of the map core, rarely. */
function hashOf(bytes: Uint8Array, length: number, seed: number): number {
  let hash = startHash(seed, length).a;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
