import { BPF_F_ZERO_SEED, EINVAL, EOPNOTSUPP } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { startHash } from "./core/wyhash32.js";
import { mapHeader, roundUp8 } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

/** Queue and stack: no keys; lookup peeks, update pushes, lookup-and-delete pops. @see https://docs.kernel.org/bpf/map_queue_stack.html */
export class QueueMap extends LiveMap {
  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    const stride = roundUp8(this.valueSize);
    this.set(mapHeader.STRIDE, stride);
    this.set(mapHeader.STORAGE, this.allocate(stride * (this.maxEntries + 1)));
  }

  protected lookupEntry(_key: Uint8Array, value: Uint8Array): number {
    return this.#read(value, 0);
  }

  protected updateEntry(_key: Uint8Array, value: Uint8Array, flags: number): number {
    const scratch = this.core.scratch(this.valueSize);
    writeBytes(this.memory, scratch, value, 0, this.valueSize);
    return this.core.functions.push(this.address, scratch, flags);
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(): number {
    return -EINVAL;
  }

  protected override takeEntry(_key: Uint8Array, value: Uint8Array): number {
    return this.#read(value, 1);
  }

  #read(value: Uint8Array, remove: 0 | 1): number {
    const scratch = this.core.scratch(this.valueSize);
    const error = this.core.functions.read(this.address, scratch, remove);
    if (error === 0) readBytes(this.memory, scratch, value, 0, this.valueSize);
    return error;
  }
}

/** Hash functions of a Bloom filter that doesn't say. */
const DEFAULT_HASHES = 5;

/** Bloom filter: update adds, lookup asks whether the value in the buffer was added (0) or not (-ENOENT). */
export class BloomFilterMap extends LiveMap {
  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    const hashes = Number(this.mapExtra) || DEFAULT_HASHES;
    // k / ln 2 bits an entry make the fewest false positives; 7 / 5 is 1 / ln 2 for whole numbers.
    const bits = 2 ** Math.min(32, Math.max(6, Math.ceil(Math.log2((this.maxEntries * hashes * 7) / 5))));
    this.set(mapHeader.HASHES, hashes);
    this.set(mapHeader.TABLE_MASK, bits - 1);
    this.set(mapHeader.STORAGE, this.allocate(bits / 8));
    const seed = startHash((this.flags & BPF_F_ZERO_SEED) === 0 ? core.nextSeed() : 0, this.valueSize);
    this.set(mapHeader.SEED_A, seed.a);
    this.set(mapHeader.SEED_B, seed.b);
  }

  protected lookupEntry(_key: Uint8Array, value: Uint8Array): number {
    const scratch = this.#pass(value);
    return this.core.functions.bloom_peek(this.address, scratch);
  }

  protected updateEntry(_key: Uint8Array, value: Uint8Array, flags: number): number {
    const scratch = this.#pass(value);
    return this.core.functions.push(this.address, scratch, flags);
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(): number {
    return -EOPNOTSUPP;
  }

  #pass(value: Uint8Array): number {
    const scratch = this.core.scratch(this.valueSize);
    writeBytes(this.memory, scratch, value, 0, this.valueSize);
    return scratch;
  }
}
