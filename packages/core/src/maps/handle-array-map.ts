import { BPF_ANY, E2BIG, EINVAL, ENOENT, ENOTSUPP } from "../abi/index.js";
import { nextIndex, readIndex, writeIndex } from "./array-map.js";
import type { MapAttributes } from "./attributes.js";
import { handleSlot, mapHeader } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import type { MapReferences, Reference } from "./references.js";

/** An array whose entries refer to things outside of it: entry i's {@link handleSlot} is at `storage + i * 16`. */
export abstract class HandleArrayMap extends LiveMap {
  readonly storage: number;
  protected readonly references: MapReferences;
  /** Is told what an entry refers to from now on: a handle, or 0 for nothing. */
  onChange: ((index: number, handle: number) => void) | undefined;

  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences) {
    super(core, attributes);
    this.references = references;
    this.storage = this.allocate(handleSlot.SIZE * this.maxEntries);
    this.set(mapHeader.STORAGE, this.storage);
    this.set(mapHeader.STRIDE, handleSlot.SIZE);
  }

  /** What entry `index` refers to, 0 where it is empty or out of range. */
  handleOf(index: number): number {
    return index >>> 0 < this.maxEntries ? this.memory.u32[this.#word(index, handleSlot.HANDLE)]! : 0;
  }

  /** First and second word of an entry's value, as programs see it. */
  protected valueWord(index: number, word: 0 | 1): number {
    return this.memory.u32[this.#word(index, handleSlot.VALUE) + word]!;
  }

  /** Makes an entry refer to something else, or to nothing; gives up what it referred to. */
  protected refer(index: number, reference: Reference | undefined, first: number, second: number): void {
    const before = this.handleOf(index);
    const { u32 } = this.memory;
    u32[this.#word(index, handleSlot.VALUE)] = first;
    u32[this.#word(index, handleSlot.VALUE) + 1] = second;
    u32[this.#word(index, handleSlot.HANDLE)] = reference?.handle ?? 0;
    this.onChange?.(index, reference?.handle ?? 0);
    this.set(mapHeader.COUNT, this.field(mapHeader.COUNT) + (reference === undefined ? 0 : 1) - (before === 0 ? 0 : 1));
    if (before !== 0) this.giveUp(before);
  }

  protected giveUp(handle: number): void {
    this.references.release(this, handle);
  }

  protected override releaseEntries(): void {
    // Set by the constructor, which may have failed before.
    if (this.storage === undefined || this.field(mapHeader.COUNT) === 0) return;
    for (let index = 0; index < this.maxEntries; index++)
      if (this.handleOf(index) !== 0) this.refer(index, undefined, 0, 0);
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    return nextIndex(key, next, this.maxEntries);
  }

  #word(index: number, offset: number): number {
    return (this.storage + index * handleSlot.SIZE + offset) >>> 2;
  }
}

/** Prog array, perf event array and cgroup array: a value is written as a file descriptor. */
export class DescriptorArrayMap extends HandleArrayMap {
  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    if (!this.readsIds) return -ENOTSUPP;
    const index = readIndex(key);
    if (this.handleOf(index) === 0) return -ENOENT;
    writeIndex(value, this.valueWord(index, 0));
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags !== BPF_ANY) return -EINVAL;
    const index = readIndex(key);
    if (index >= this.maxEntries) return -E2BIG;
    const reference = this.resolve(index, readIndex(value));
    if (typeof reference === "number") return reference;
    this.refer(index, reference, reference.id, 0);
    return 0;
  }

  protected deleteEntry(key: Uint8Array): number {
    const index = readIndex(key);
    if (index >= this.maxEntries) return -E2BIG;
    if (this.handleOf(index) === 0) return -ENOENT;
    this.refer(index, undefined, 0, 0);
    return 0;
  }

  /** Does a lookup give the id? */
  protected get readsIds(): boolean {
    return this.type === "prog_array";
  }

  protected resolve(index: number, fd: number): Reference | number {
    return this.references.acquire(this, index, { target: fd, program: undefined });
  }
}
