import { BPF_F_MMAPABLE, BPF_F_RDONLY, type MapType, mapTypeName } from "@tsbpf/core/abi";
import { BpfError, NotSupportedError } from "@tsbpf/core/base";
import {
  type EventSink,
  type EventSubscription,
  isPerCpuMap,
  type MapInfo,
  perCpuStride,
  type RawMap,
  type SlotTarget,
} from "@tsbpf/core/host";
import { subscribePerfBuffer, subscribeRingBuffer } from "../events/index.js";
import {
  BpfCall,
  bpf,
  closedError,
  elementCommands,
  errnos,
  FileDescriptor,
  fdOf,
  MapElements,
  mapInfo,
  mapMemoryAt,
  PAGE_SIZE,
  possibleCpus,
  syscallError,
} from "../sys/index.js";
import { type EntryBatch, walkBatches, walkEntries } from "./map-walk.js";
import { pinNamed } from "./pinning.js";

const idTypes: ReadonlySet<MapType> = new Set([
  "prog_array",
  "perf_event_array",
  "cgroup_array",
  "array_of_maps",
  "hash_of_maps",
]);

const names: Readonly<Record<number, string>> = {
  [elementCommands.lookup]: "BPF_MAP_LOOKUP_ELEM",
  [elementCommands.update]: "BPF_MAP_UPDATE_ELEM",
  [elementCommands.delete]: "BPF_MAP_DELETE_ELEM",
  [elementCommands.nextKey]: "BPF_MAP_GET_NEXT_KEY",
  [elementCommands.lookupAndDelete]: "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
};

/** A map's memory in this process. */
export interface MapMemory {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  /** Writing memory that is not ends the process. */
  readonly writable: boolean;
}

/** A map of the running kernel. */
export class LinuxMap implements RawMap {
  readonly info: MapInfo;
  readonly transferSize: number;
  readonly #fd: FileDescriptor;
  readonly #what: string;
  readonly #elements: MapElements;
  #subscription: EventSubscription | undefined;
  #memory: MapMemory | undefined;
  #frozen = false;

  /** Takes over `fd`. @param name At full length, where known; the kernel keeps 15 bytes. */
  constructor(fd: number, name?: string) {
    const owner = new FileDescriptor(fd, `map '${name ?? fd}'`);
    const kernel = mapInfo(fd);
    const type = mapTypeName(kernel.type);
    if (type === undefined) {
      owner.close();
      throw new NotSupportedError(`map type ${kernel.type}`, `map type ${kernel.type} is not known here`);
    }
    this.#fd = owner;
    this.info = {
      name: name ?? kernel.name,
      type,
      id: kernel.id,
      keySize: kernel.keySize,
      valueSize: kernel.valueSize,
      maxEntries: kernel.maxEntries,
      flags: kernel.flags,
    };
    this.#what = `map '${this.info.name}'`;
    this.transferSize = transferSize(type, kernel.valueSize);
    this.#elements = new MapElements(fd, kernel.keySize, this.transferSize);
  }

  /** The map's fd, for calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  lookup(key: Uint8Array, flags = 0): Uint8Array | undefined {
    this.#setKey(key);
    const result = this.#elements.call(elementCommands.lookup, flags);
    return result === 0 ? this.#elements.takeValue(this.transferSize) : this.#absent(elementCommands.lookup, result);
  }

  /**
   * As {@link lookup}, into bytes of the caller's, {@link transferSize} of them: for loops that would make garbage
   * otherwise. False, with `value` as it was, where there is none.
   */
  lookupInto(key: Uint8Array, value: Uint8Array, flags = 0): boolean {
    this.#setKey(key);
    if (value.length !== this.transferSize) this.#wrongSize("value", this.transferSize, value.length);
    const result = this.#elements.call(elementCommands.lookup, flags);
    if (result === 0) this.#elements.copyValue(value);
    else this.#absent(elementCommands.lookup, result);
    return result === 0;
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#setKey(key);
    if (value.length !== this.transferSize) this.#wrongSize("value", this.transferSize, value.length);
    this.#elements.setValue(value);
    const result = this.#elements.call(elementCommands.update, flags);
    if (result !== 0) throw this.#error(elementCommands.update, result);
  }

  updateReference(key: Uint8Array, target: SlotTarget, flags = 0): void {
    this.updateFd(key, fdOf(target), flags);
  }

  /** As {@link updateReference}, with an fd: sockets in sockmaps, cgroups in cgroup arrays, AF_XDP sockets. */
  updateFd(key: Uint8Array, fd: number, flags = 0): void {
    this.#setKey(key);
    const value = new Uint8Array(8);
    new DataView(value.buffer).setUint32(0, fd, true);
    this.#elements.setValue(value);
    const result = this.#elements.call(elementCommands.update, flags);
    if (result !== 0) throw this.#error(elementCommands.update, result);
  }

  delete(key: Uint8Array): boolean {
    this.#setKey(key);
    const result = this.#elements.call(elementCommands.delete, 0);
    return result === 0 || this.#absent(elementCommands.delete, result) !== undefined;
  }

  lookupAndDelete(key: Uint8Array, flags = 0): Uint8Array | undefined {
    this.#setKey(key);
    const command = elementCommands.lookupAndDelete;
    const result = this.#elements.call(command, flags);
    return result === 0 ? this.#elements.takeValue(this.transferSize) : this.#absent(command, result);
  }

  nextKey(key?: Uint8Array): Uint8Array | undefined {
    if (this.#fd.closed) throw closedError(this.#what);
    if (key === undefined) this.#elements.withoutKey();
    else this.#setKey(key);
    const result = this.#elements.call(elementCommands.nextKey, 0);
    if (key === undefined) this.#elements.withKey();
    return result === 0 ? this.#elements.takeValue(this.info.keySize) : this.#absent(elementCommands.nextKey, result);
  }

  *entries(options: { readonly nonZero?: boolean | undefined } = {}): IterableIterator<[Uint8Array, Uint8Array]> {
    for (const entry of walkEntries(this)) {
      if (options.nonZero !== true || entry[1].some((byte) => byte !== 0)) yield entry;
    }
  }

  /**
   * All entries in batches of several thousand, for large maps: keys and values laid end to end, overwritten by the next
   * batch.
   *
   * @throws NotSupportedError for a map type, or a kernel before 5.6, that has no batches.
   */
  batches(): IterableIterator<EntryBatch> {
    const batches = walkBatches(this);
    if (batches === undefined)
      throw new NotSupportedError("batch lookup", `${this.#what} has no batch operations`, "5.6");
    return batches;
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags = 0): number {
    this.#checkBatch("keys", keys.length, count * this.info.keySize);
    this.#checkBatch("values", values.length, count * this.transferSize);
    const call = this.#batch("BPF_MAP_UPDATE_BATCH", keys, count).set("values", values).set("elem_flags", flags);
    return this.#runBatch(call, () => {
      for (let i = 0; i < count; i++)
        this.update(this.#nth(keys, i, this.info.keySize), this.#nth(values, i, this.transferSize), flags);
      return count;
    });
  }

  deleteBatch(keys: Uint8Array, count: number): number {
    this.#checkBatch("keys", keys.length, count * this.info.keySize);
    return this.#runBatch(this.#batch("BPF_MAP_DELETE_BATCH", keys, count), () => {
      let deleted = 0;
      for (let i = 0; i < count; i++) if (this.delete(this.#nth(keys, i, this.info.keySize))) deleted++;
      return deleted;
    });
  }

  freeze(): void {
    bpf("BPF_MAP_FREEZE", { map_fd: this.fd }, `of ${this.#what}`);
    this.#frozen = true;
  }

  /**
   * The map's memory, where it can be mapped: arenas, and arrays with BPF_F_MMAPABLE. Mapped once, and as long as a view
   * of it is held.
   */
  memory(): MapMemory | undefined {
    this.#memory ??= this.#mapMemory();
    return this.#memory;
  }

  #mapMemory(): MapMemory | undefined {
    const { type, flags, maxEntries, valueSize } = this.info;
    if (type === "arena") {
      const wanted = Number(mapInfo(this.fd).mapExtra);
      return { writable: true, ...mapMemoryAt(wanted, this.fd, 0, maxEntries * PAGE_SIZE, true, this.#what) };
    }
    if (type !== "array" || (flags & BPF_F_MMAPABLE) === 0) return undefined;
    const bytes = maxEntries * ((valueSize + 7) & ~7);
    const length = Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
    const writable = !this.#frozen && (flags & BPF_F_RDONLY) === 0;
    try {
      return { writable, ...mapMemoryAt(0, this.fd, 0, length, writable, this.#what) };
    } catch (error) {
      // Somebody else froze it.
      if (!writable || (error as { errno?: number }).errno !== errnos.EPERM) throw error;
      return { writable: false, ...mapMemoryAt(0, this.fd, 0, length, false, this.#what) };
    }
  }

  /**
   * Changes part of an array's element without touching the rest, which programs may be changing meanwhile. False where
   * the map cannot be mapped.
   */
  patch(key: Uint8Array, offset: number, bytes: Uint8Array): boolean {
    if (this.info.type !== "array") return false;
    const memory = this.memory();
    if (memory === undefined || !memory.writable) return false;
    const index = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
    if (index >= this.info.maxEntries || offset + bytes.length > this.info.valueSize) return false;
    new Uint8Array(memory.buffer).set(bytes, index * ((this.info.valueSize + 7) & ~7) + offset);
    return true;
  }

  /**
   * The bytes that the sink is given lie in the ring itself: they are valid during the call only, and must not be
   * written.
   *
   * @throws BpfError `"SUBSCRIBED"` while another subscription is open: a ring has one reader.
   */
  subscribe(sink: EventSink): EventSubscription {
    if (this.#subscription !== undefined) {
      throw new BpfError("SUBSCRIBED", `${this.#what} has a reader already`, { map: this.info.name });
    }
    const subscription = this.#openEvents(sink);
    this.#subscription = subscription;
    const close = () => {
      subscription.close();
      if (this.#subscription === subscription) this.#subscription = undefined;
    };
    return {
      poll: () => subscription.poll(),
      pause: () => subscription.pause(),
      resume: () => subscription.resume(),
      close,
    };
  }

  #openEvents(sink: EventSink): EventSubscription {
    const { type, maxEntries } = this.info;
    if (type === "ringbuf") return subscribeRingBuffer(this.fd, maxEntries, sink);
    if (type === "perf_event_array") {
      const leave = (cpu: number) => {
        if (!this.#fd.closed) this.delete(new Uint8Array(Uint32Array.of(cpu).buffer));
      };
      return subscribePerfBuffer(this.fd, maxEntries, sink, { leave });
    }
    throw new NotSupportedError("events", `${this.#what} of type ${type} sends no events`);
  }

  /** BPF_OBJ_PIN: the map outlives this process under `path`, which has to be in a bpffs. */
  pin(path: string): void {
    pinNamed(path, this.fd, this.#what);
  }

  close(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    this.#memory = undefined;
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #setKey(key: Uint8Array): void {
    if (this.#fd.closed) throw closedError(this.#what);
    if (key.length !== this.info.keySize) this.#wrongSize("key", this.info.keySize, key.length);
    this.#elements.setKey(key);
  }

  /** Undefined for what is not there, else the error. */
  #absent(command: number, result: number): undefined {
    if (result === -errnos.ENOENT) return undefined;
    throw this.#error(command, result);
  }

  #batch<C extends "BPF_MAP_UPDATE_BATCH" | "BPF_MAP_DELETE_BATCH">(command: C, keys: Uint8Array, count: number) {
    return new BpfCall(command, { map_fd: this.fd, keys, count });
  }

  /** Element by element where the map's type, or a kernel before 5.6, has no batch operation. */
  #runBatch(call: BpfCall<"BPF_MAP_UPDATE_BATCH" | "BPF_MAP_DELETE_BATCH">, otherwise: () => number): number {
    const count = call.get("count");
    if (count === 0) return 0;
    const result = call.try();
    if (result === 0) return call.get("count");
    if (result === -524 || result === -errnos.EOPNOTSUPP) return otherwise();
    const error = syscallError(`${call.command} of ${this.#what}, after ${call.get("count")} elements`, -result);
    throw error;
  }

  #nth(bytes: Uint8Array, index: number, size: number): Uint8Array {
    return bytes.subarray(index * size, (index + 1) * size);
  }

  #checkBatch(what: string, actual: number, expected: number): void {
    if (actual < expected) this.#wrongSize(what, expected, actual);
  }

  #wrongSize(what: string, expected: number, actual: number): never {
    throw syscallError(`BPF_MAP of ${this.#what}`, errnos.EINVAL, {
      hint: `its ${what} has ${expected} bytes, not ${actual}`,
    });
  }

  #error(command: number, result: number): Error {
    return syscallError(`${names[command]} of ${this.#what}`, -result);
  }
}

/** Bytes that one lookup gives. */
function transferSize(type: MapType, valueSize: number): number {
  if (isPerCpuMap(type)) return perCpuStride(valueSize) * possibleCpus();
  return idTypes.has(type) ? 4 : valueSize;
}
