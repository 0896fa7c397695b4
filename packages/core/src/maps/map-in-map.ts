import { BPF_F_INNER_MAP, EINVAL, ENOENT, ENOTSUPP } from "../abi/index.js";
import { readIndex, writeIndex } from "./array-map.js";
import type { MapAttributes } from "./attributes.js";
import { DescriptorArrayMap } from "./handle-array-map.js";
import { HashMap } from "./hash-map.js";
import { readKeyBatch } from "./key-batch.js";
import { handleSlot } from "./layout.js";
import type { BatchResult, LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import type { MapReferences, Reference } from "./references.js";

/** What inner maps have to have in common. The fields of the map that was given at creation, which needn't live on. */
export interface InnerShape {
  readonly type: LiveMap["type"];
  readonly keySize: number;
  readonly valueSize: number;
  readonly flags: number;
  /** Compared where programs read the inner map without a call: arrays and AF_XDP socket maps. */
  readonly maxEntries: number | undefined;
}

const notInside = new Set<LiveMap["type"]>(["prog_array", "cgroup_storage", "percpu_cgroup_storage", "struct_ops"]);
const mapsOfMaps = new Set<LiveMap["type"]>(["array_of_maps", "hash_of_maps"]);

/** 0, or the positive errno of creating a map of such maps: they don't nest, and some types can't be inside. */
export function checkInner(inner: LiveMap): number {
  if (mapsOfMaps.has(inner.type)) return EINVAL;
  return notInside.has(inner.type) ? ENOTSUPP : 0;
}

export function innerShape(map: LiveMap): InnerShape {
  const fixed = map.type === "xskmap" || (map.type === "array" && (map.flags & BPF_F_INNER_MAP) === 0);
  const { type, keySize, valueSize, flags } = map;
  return { type, keySize, valueSize, flags, maxEntries: fixed ? map.maxEntries : undefined };
}

function fits(shape: InnerShape, map: LiveMap): boolean {
  const other = innerShape(map);
  return (
    shape.type === other.type &&
    shape.keySize === other.keySize &&
    shape.valueSize === other.valueSize &&
    shape.flags === other.flags &&
    shape.maxEntries === other.maxEntries
  );
}

/** A reference to an inner map: its handle is the header's address. */
function acquireInner(references: MapReferences, shape: InnerShape, fd: number): Reference | number {
  const inner = references.acquireMap(fd);
  if (typeof inner === "number") return inner;
  if (fits(shape, inner)) return { handle: inner.address, id: inner.id };
  references.releaseMap(inner);
  return -EINVAL;
}

function releaseInner(core: MapCore, references: MapReferences, handle: number): void {
  references.releaseMap(core.mapAt(handle)!);
}

/** Array of maps: written as a map's file descriptor, read as its id. @see https://docs.kernel.org/bpf/map_of_maps.html */
export class ArrayOfMaps extends DescriptorArrayMap {
  readonly #shape: InnerShape;

  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences, inner: LiveMap) {
    super(core, attributes, references);
    this.#shape = innerShape(inner);
  }

  protected override get readsIds(): boolean {
    return true;
  }

  protected override get canBatch() {
    return { update: true, delete: false };
  }

  protected override resolve(_index: number, fd: number): Reference | number {
    return acquireInner(this.references, this.#shape, fd);
  }

  protected override giveUp(handle: number): void {
    releaseInner(this.core, this.references, handle);
  }

  protected override readBatch(...batch: Parameters<LiveMap["readBatch"]>): BatchResult {
    return readKeyBatch(this, ...batch);
  }
}

/** Hash whose entries refer to something: the value of an element is a {@link handleSlot}. */
export abstract class HandleHashMap extends HashMap {
  protected readonly references: MapReferences;

  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences) {
    super(core, attributes, { perCpu: false, lru: false, slotSize: handleSlot.SIZE });
    this.references = references;
  }

  /** Puts a reference in, or gives it up where the hash refuses the entry. */
  protected insert(key: Uint8Array, value: Uint8Array, flags: number, reference: Reference): number {
    const before = this.#handle(this.find(key));
    const error = super.updateEntry(key, value, flags);
    if (error !== 0) {
      this.giveUp(reference.handle);
      return error;
    }
    this.memory.u32[(this.find(key) + handleSlot.HANDLE) >>> 2] = reference.handle;
    if (before !== 0) this.giveUp(before);
    return 0;
  }

  /** What the entry of a key refers to, 0 where there is none. */
  handleAt(key: Uint8Array): number {
    return this.#handle(this.find(key));
  }

  protected giveUp(handle: number): void {
    this.references.release(this, handle);
  }

  protected override deleteEntry(key: Uint8Array): number {
    const before = this.#handle(this.find(key));
    const error = super.deleteEntry(key);
    if (error === 0 && before !== 0) this.giveUp(before);
    return error;
  }

  protected override takeEntry(_key: Uint8Array, _value: Uint8Array): number {
    return -ENOTSUPP;
  }

  protected override releaseEntries(): void {
    for (const address of this.valueAddresses()) {
      const handle = this.#handle(address);
      if (handle !== 0) this.giveUp(handle);
    }
  }

  #handle(address: number): number {
    return address === 0 ? 0 : this.memory.u32[(address + handleSlot.HANDLE) >>> 2]!;
  }
}

/** Hash of maps. */
export class HashOfMaps extends HandleHashMap {
  readonly #shape: InnerShape;

  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences, inner: LiveMap) {
    super(core, attributes, references);
    this.#shape = innerShape(inner);
  }

  protected override lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.find(key);
    if (address === 0) return -ENOENT;
    writeIndex(value, this.memory.u32[(address + handleSlot.VALUE) >>> 2]!);
    return 0;
  }

  protected override updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const reference = acquireInner(this.references, this.#shape, readIndex(value));
    if (typeof reference === "number") return reference;
    const id = new Uint8Array(4);
    writeIndex(id, reference.id);
    return this.insert(key, id, flags, reference);
  }

  protected override giveUp(handle: number): void {
    releaseInner(this.core, this.references, handle);
  }
}
