import { BpfError, type MapType, mapTypeName, NotSupportedError } from "@tsbpf/core";
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
  bpfCommands,
  closedError,
  errnos,
  FileDescriptor,
  fdOf,
  keepAlive,
  lastErrno,
  libc,
  mapInfo,
  mapMemoryAt,
  NativeBuffer,
  PAGE_SIZE,
  possibleCpus,
  setU64,
  syscallError,
} from "../sys/index.js";
import { walkEntries } from "./map-walk.js";

const idTypes: ReadonlySet<MapType> = new Set([
  "prog_array",
  "perf_event_array",
  "cgroup_array",
  "array_of_maps",
  "hash_of_maps",
]);

const LOOKUP = bpfCommands.BPF_MAP_LOOKUP_ELEM.number;
const UPDATE = bpfCommands.BPF_MAP_UPDATE_ELEM.number;
const DELETE = bpfCommands.BPF_MAP_DELETE_ELEM.number;
const NEXT = bpfCommands.BPF_MAP_GET_NEXT_KEY.number;
const LOOKUP_AND_DELETE = bpfCommands.BPF_MAP_LOOKUP_AND_DELETE_ELEM.number;
const ATTR_SIZE = 32;
/** BPF_MAP_DELETE_ELEM refuses an attr with anything behind the key. */
const DELETE_ATTR_SIZE = 16;
const names = {
  [LOOKUP]: "BPF_MAP_LOOKUP_ELEM",
  [UPDATE]: "BPF_MAP_UPDATE_ELEM",
  [DELETE]: "BPF_MAP_DELETE_ELEM",
  [NEXT]: "BPF_MAP_GET_NEXT_KEY",
  [LOOKUP_AND_DELETE]: "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
} as Readonly<Record<number, string>>;

const BPF_F_RDONLY = 1 << 3;
const BPF_F_MMAPABLE = 1 << 10;

/** A map's memory in this process. */
export interface MapMemory {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  /** Writing memory that is not ends the process. */
  readonly writable: boolean;
}

/**
 * A map of the running kernel.
 *
 * The attr of its element calls, a key and a value lie in one buffer whose address is taken once, so that a lookup is a
 * copy of the key, the system call and a copy of the value.
 */
export class LinuxMap implements RawMap {
  readonly info: MapInfo;
  readonly transferSize: number;
  readonly #fd: FileDescriptor;
  readonly #what: string;
  readonly #attr: NativeBuffer;
  readonly #keyAt: number;
  readonly #valueAt: number;
  #subscription: EventSubscription | undefined;
  #memory: MapMemory | undefined;
  #frozen = false;
  readonly #bpf = libc().bpf;

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
    this.#keyAt = ATTR_SIZE;
    // The second key is the answer of GET_NEXT_KEY; values begin on 8 bytes, as atomic copies want them.
    this.#valueAt = ATTR_SIZE + ((kernel.keySize + 7) & ~7);
    const room = Math.max(this.transferSize, kernel.keySize, 8);
    this.#attr = new NativeBuffer(this.#valueAt + room);
    const { view, address } = this.#attr;
    view.setUint32(0, fd, true);
    if (kernel.keySize > 0) setU64(view, 8, address + this.#keyAt);
    setU64(view, 16, address + this.#valueAt);
  }

  /** The map's fd, for calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  lookup(key: Uint8Array, flags = 0): Uint8Array | undefined {
    this.#setKey(key);
    const result = this.#call(LOOKUP, flags);
    if (result === 0) return this.#value(this.transferSize);
    if (result === -errnos.ENOENT) return undefined;
    throw this.#error(LOOKUP, result);
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#setKey(key);
    if (value.length !== this.transferSize) this.#wrongSize("value", this.transferSize, value.length);
    this.#attr.bytes.set(value, this.#valueAt);
    const result = this.#call(UPDATE, flags);
    if (result !== 0) throw this.#error(UPDATE, result);
  }

  updateReference(key: Uint8Array, target: SlotTarget, flags = 0): void {
    this.updateFd(key, fdOf(target), flags);
  }

  /** As {@link updateReference}, with an fd: sockets in sockmaps, cgroups in cgroup arrays, AF_XDP sockets. */
  updateFd(key: Uint8Array, fd: number, flags = 0): void {
    this.#setKey(key);
    this.#attr.view.setUint32(this.#valueAt, fd, true);
    this.#attr.view.setUint32(this.#valueAt + 4, 0, true);
    const result = this.#call(UPDATE, flags);
    if (result !== 0) throw this.#error(UPDATE, result);
  }

  delete(key: Uint8Array): boolean {
    this.#setKey(key);
    const result = this.#call(DELETE, 0);
    if (result === 0) return true;
    if (result === -errnos.ENOENT) return false;
    throw this.#error(DELETE, result);
  }

  lookupAndDelete(key: Uint8Array, flags = 0): Uint8Array | undefined {
    this.#setKey(key);
    const result = this.#call(LOOKUP_AND_DELETE, flags);
    if (result === 0) return this.#value(this.transferSize);
    if (result === -errnos.ENOENT) return undefined;
    throw this.#error(LOOKUP_AND_DELETE, result);
  }

  nextKey(key?: Uint8Array): Uint8Array | undefined {
    const { view, address } = this.#attr;
    if (key === undefined) setU64(view, 8, 0);
    else this.#setKey(key);
    const result = this.#call(NEXT, 0);
    if (key === undefined && this.info.keySize > 0) setU64(view, 8, address + this.#keyAt);
    if (result === 0) return this.#value(this.info.keySize);
    if (result === -errnos.ENOENT) return undefined;
    throw this.#error(NEXT, result);
  }

  entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    return walkEntries(this);
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
    if (type === "perf_event_array") return subscribePerfBuffer(this.fd, maxEntries, sink);
    throw new NotSupportedError("events", `${this.#what} of type ${type} sends no events`);
  }

  /** BPF_OBJ_PIN: the map outlives this process under `path`, which has to be in a bpffs. */
  pin(path: string): void {
    bpf("BPF_OBJ_PIN", { pathname: path, bpf_fd: this.fd }, `of ${this.#what} at ${path}`);
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
    if (key.length !== this.info.keySize) this.#wrongSize("key", this.info.keySize, key.length);
    this.#attr.bytes.set(key, this.#keyAt);
  }

  #value(size: number): Uint8Array {
    return this.#attr.bytes.slice(this.#valueAt, this.#valueAt + size);
  }

  #call(command: number, flags: number): number {
    if (this.#fd.closed) throw closedError(this.#what);
    const { view, address } = this.#attr;
    view.setUint32(24, flags, true);
    const result = this.#bpf(command, address, command === DELETE ? DELETE_ATTR_SIZE : ATTR_SIZE);
    const answer = result < 0 ? -lastErrno() : result;
    keepAlive(this);
    return answer;
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
    if (this.#fd.closed) throw closedError(this.#what);
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
