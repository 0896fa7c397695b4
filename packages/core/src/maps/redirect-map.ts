import {
  BPF_EXIST,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOTSUPP,
  EOPNOTSUPP,
  EOVERFLOW,
} from "../abi/index.js";
import { readIndex, writeIndex } from "./array-map.js";
import type { MapAttributes } from "./attributes.js";
import { HandleArrayMap } from "./handle-array-map.js";
import { handleSlot } from "./layout.js";
import type { BatchResult, ElementShape } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { HandleHashMap } from "./map-in-map.js";
import type { MapReferences, ReferenceRequest } from "./references.js";

// Redirect targets: a value is {ifindex or queue size, program}, the program written as a file descriptor and read as an
// id; it can be left out, by a value of 4 bytes or a descriptor of 0 or below.

/** Packets that a CPU map's queue can hold at most. */
const LARGEST_QUEUE = 16384;

function requestOf(value: Uint8Array, valueSize: number): ReferenceRequest {
  const program = valueSize === 8 ? readIndex(value.subarray(4)) | 0 : 0;
  return { target: readIndex(value), program: program > 0 ? program : undefined };
}

function writeValue(value: Uint8Array, valueSize: number, target: number, program: number): void {
  writeIndex(value, target);
  if (valueSize === 8) writeIndex(value.subarray(4), program);
}

/** What programs may read of entries that they look up. */
const readable: ElementShape = {
  stride: handleSlot.SIZE,
  offset: handleSlot.VALUE,
  size: 0,
  key: { offset: handleSlot.VALUE, size: 8 },
};

/** Device and CPU maps by index. @see https://docs.kernel.org/bpf/map_devmap.html, map_cpumap.html */
export class RedirectArrayMap extends HandleArrayMap {
  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences) {
    super(core, attributes, references);
    this.expose(this.storage, this.maxEntries, readable);
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const index = readIndex(key);
    if (this.handleOf(index) === 0) return -ENOENT;
    writeValue(value, this.valueSize, this.valueWord(index, 0), this.valueWord(index, 1));
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    const index = readIndex(key);
    if (index >= this.maxEntries) return -E2BIG;
    if (flags === BPF_NOEXIST) return -EEXIST;
    const request = requestOf(value, this.valueSize);
    const error = this.type === "cpumap" ? this.#checkCpu(index, request) : 0;
    if (error !== 0) return error;
    if (request.target === 0) {
      // No device can have a program; a CPU's queue of no length takes the CPU out.
      if (this.type === "devmap" && request.program !== undefined) return -EINVAL;
      this.refer(index, undefined, 0, 0);
      return 0;
    }
    const reference = this.references.acquire(this, index, request);
    if (typeof reference === "number") return reference;
    this.refer(index, reference, request.target, reference.id);
    return 0;
  }

  /** Emptying an empty entry is fine. */
  protected deleteEntry(key: Uint8Array): number {
    const index = readIndex(key);
    if (index >= this.maxEntries) return -EINVAL;
    this.refer(index, undefined, 0, 0);
    return 0;
  }

  #checkCpu(index: number, request: ReferenceRequest): number {
    if (request.target > LARGEST_QUEUE) return -EOVERFLOW;
    return index < this.core.cpus ? 0 : -ENODEV;
  }
}

/** Device map with any u32 as key. */
export class DeviceHashMap extends HandleHashMap {
  protected override get canBatch() {
    return { update: false, delete: false };
  }

  protected override lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.find(key);
    if (address === 0) return -ENOENT;
    const word = (address + handleSlot.VALUE) >>> 2;
    writeValue(value, this.valueSize, this.memory.u32[word]!, this.memory.u32[word + 1]!);
    return 0;
  }

  protected override updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const request = requestOf(value, this.valueSize);
    if (flags > BPF_EXIST || request.target === 0) return -EINVAL;
    const known = this.find(key) !== 0;
    if (known && flags === BPF_NOEXIST) return -EEXIST;
    const reference = this.references.acquire(this, 0, request);
    if (typeof reference === "number") return reference;
    const stored = new Uint8Array(8);
    writeValue(stored, 8, request.target, reference.id);
    // As in the kernel, BPF_EXIST doesn't need the key to be there.
    const error = this.insert(key, stored.subarray(0, this.valueSize), 0, reference);
    if (error !== 0) return error;
    this.memory.u32[(this.find(key) + handleSlot.VALUE + 4) >>> 2] = reference.id;
    return 0;
  }

  protected override readBatch(...batch: Parameters<HandleHashMap["readBatch"]>): BatchResult {
    return { error: -ENOTSUPP, count: batch[4] };
  }
}

/** AF_XDP sockets by index: user space can't read them. @see https://docs.kernel.org/bpf/map_xskmap.html */
export class XskMap extends HandleArrayMap {
  protected lookupEntry(): number {
    return -EOPNOTSUPP;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    const index = readIndex(key);
    if (index >= this.maxEntries) return -E2BIG;
    const reference = this.references.acquire(this, index, { target: readIndex(value), program: undefined });
    if (typeof reference === "number") return reference;
    const before = this.handleOf(index);
    let error = 0;
    if (before !== reference.handle) {
      if (before !== 0 && flags === BPF_NOEXIST) error = -EEXIST;
      else if (before === 0 && flags === BPF_EXIST) error = -ENOENT;
    }
    if (error !== 0) this.references.release(this, reference.handle);
    else this.refer(index, reference, reference.id, 0);
    return error;
  }

  protected deleteEntry(key: Uint8Array): number {
    const index = readIndex(key);
    if (index >= this.maxEntries) return -EINVAL;
    this.refer(index, undefined, 0, 0);
    return 0;
  }
}
