import { EBADF, ENOENT, errnoName } from "../abi/index.js";
import { SyscallError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import type { EventSink, EventSubscription, MapInfo, RawMap, SlotTarget } from "../host/index.js";
import { ArrayMap, type LiveMap, PerfEventArrayMap, RingBufferMap, writeIndex } from "../maps/index.js";
import type { MapSpec } from "../spec/index.js";
import type { Descriptors } from "./descriptors.js";
import { EventDelivery, type EventHub } from "./event-hub.js";
import { MachineProgram } from "./machine-program.js";
import type { MapObject } from "./map-object.js";

/** Events of a perf event array that wait for their reader at most. */
const PERF_EVENTS_WAITING = 65_536;
/** Entries that one batch reads. */
const BATCH = 256;

type Entry = [key: Uint8Array, value: Uint8Array];

/** What a map needs of its Machine. */
export interface MapOwner {
  readonly descriptors: Descriptors;
  readonly events: EventHub;
  readonly cpus: number;
}

/** A handle to a map of a Machine. Errors are those of {@link RawMap}. */
export class MachineMap implements RawMap {
  readonly info: MapInfo;
  readonly fd: number;
  /** @internal */
  readonly object: MapObject;
  readonly #owner: MapOwner;
  #open = true;

  /** @internal */
  constructor(owner: MapOwner, object: MapObject) {
    const { type, keySize, valueSize, maxEntries, flags } = object.live;
    this.#owner = owner;
    this.object = object;
    this.info = { name: object.spec.name, type, id: object.id, keySize, valueSize, maxEntries, flags };
    object.addHandle();
    this.fd = owner.descriptors.open(this);
  }

  /** What it was created from. */
  get spec(): MapSpec {
    return this.object.spec;
  }

  /** The types that the spec's ids are of. */
  get btf(): Btf | undefined {
    return this.object.types?.btf;
  }

  /** Id of {@link btf} among the Machine's BTF objects; 0 without. */
  get btfId(): number {
    return this.object.types?.id ?? 0;
  }

  /** Closed for writing from outside of programs. */
  get frozen(): boolean {
    return this.object.live.frozen;
  }

  /** Bytes of the Machine's memory that it takes. */
  get memoryBytes(): number {
    return this.object.live.memoryBytes;
  }

  get transferSize(): number {
    return this.object.live.transferSize;
  }

  lookup(key: Uint8Array, flags = 0): Uint8Array | undefined {
    const map = this.#live("BPF_MAP_LOOKUP_ELEM");
    const value = new Uint8Array(map.transferSize);
    return this.#found("BPF_MAP_LOOKUP_ELEM", map.lookup(key, value, flags)) ? value : undefined;
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    const map = this.#live("BPF_MAP_UPDATE_ELEM");
    if (value.length !== map.transferSize) {
      const command = "BPF_MAP_UPDATE_ELEM";
      throw this.#failure(command, 22, `a value has ${map.transferSize} bytes, not ${value.length}`);
    }
    this.#check("BPF_MAP_UPDATE_ELEM", map.update(key, value, flags));
  }

  updateReference(key: Uint8Array, target: SlotTarget, flags = 0): void {
    const described = target instanceof MachineProgram ? target : "raw" in target ? target.raw : undefined;
    const isOurs = described instanceof MachineProgram || described instanceof MachineMap;
    if (!isOurs || this.#owner.descriptors.get(described.fd) !== described) {
      throw this.#failure("BPF_MAP_UPDATE_ELEM", EBADF, "the target is closed, or of another host");
    }
    const value = new Uint8Array(this.info.valueSize);
    new DataView(value.buffer).setUint32(0, described.fd, true);
    this.update(key, value, flags);
  }

  delete(key: Uint8Array): boolean {
    return this.#found("BPF_MAP_DELETE_ELEM", this.#live("BPF_MAP_DELETE_ELEM").delete(key));
  }

  lookupAndDelete(key: Uint8Array, flags = 0): Uint8Array | undefined {
    const command = "BPF_MAP_LOOKUP_AND_DELETE_ELEM";
    const map = this.#live(command);
    const value = new Uint8Array(map.transferSize);
    return this.#found(command, map.lookupAndDelete(key, value, flags)) ? value : undefined;
  }

  nextKey(key?: Uint8Array): Uint8Array | undefined {
    const next = new Uint8Array(this.info.keySize);
    const error = this.#live("BPF_MAP_GET_NEXT_KEY").nextKey(key, next);
    return this.#found("BPF_MAP_GET_NEXT_KEY", error) ? next : undefined;
  }

  *entries(options: { readonly nonZero?: boolean | undefined } = {}): IterableIterator<Entry> {
    const map = this.#live("BPF_MAP_LOOKUP_BATCH");
    if (options.nonZero !== true) yield* this.#allEntries(map);
    else if (map instanceof ArrayMap) yield* nonZeroEntries(map);
    else for (const entry of this.#allEntries(map)) if (entry[1].some((byte) => byte !== 0)) yield entry;
  }

  *#allEntries(map: LiveMap): IterableIterator<Entry> {
    const { keySize, transferSize } = map;
    let start: Uint8Array | undefined;
    for (;;) {
      const next = new Uint8Array(map.batchTokenSize);
      const keys = new Uint8Array(BATCH * keySize);
      const values = new Uint8Array(BATCH * transferSize);
      const { error, count } = map.lookupBatch(start, next, keys, values, BATCH);
      if (error !== 0 && error !== -ENOENT) {
        yield* this.#entriesByKey();
        return;
      }
      for (let at = 0; at < count; at++) {
        yield [keys.slice(at * keySize, (at + 1) * keySize), values.slice(at * transferSize, (at + 1) * transferSize)];
      }
      if (error === -ENOENT) return;
      start = next;
    }
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags = 0): number {
    const { error, count: done } = this.#live("BPF_MAP_UPDATE_BATCH").updateBatch(keys, values, count, flags);
    this.#check("BPF_MAP_UPDATE_BATCH", error);
    return done;
  }

  deleteBatch(keys: Uint8Array, count: number): number {
    const { error, count: done } = this.#live("BPF_MAP_DELETE_BATCH").deleteBatch(keys, count);
    this.#check("BPF_MAP_DELETE_BATCH", error);
    return done;
  }

  freeze(): void {
    this.#check("BPF_MAP_FREEZE", this.#live("BPF_MAP_FREEZE").freeze());
  }

  subscribe(sink: EventSink): EventSubscription {
    const map = this.#live("mmap");
    if (map instanceof RingBufferMap) {
      const take = () => map.consume((bytes) => sink.event(bytes, 0));
      return this.#owner.events.add(new EventDelivery(take, () => {}));
    }
    if (map instanceof PerfEventArrayMap) return this.#owner.events.add(this.#readPerfEvents(map, sink));
    throw this.#failure("mmap", 22, `a ${map.type} map has no events`);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.descriptors.close(this.fd);
    this.object.dropHandle();
  }

  /** Events go to the reader at once; what it takes no more is lost, as from a ring that is full. */
  #readPerfEvents(map: PerfEventArrayMap, sink: EventSink): EventDelivery {
    const waiting: { readonly bytes: Uint8Array; readonly cpu: number }[] = [];
    const lost = new Map<number, number>();
    const opened: number[] = [];
    for (let cpu = 0; cpu < Math.min(map.maxEntries, this.#owner.cpus); cpu++) {
      const receive = (bytes: Uint8Array) => {
        if (waiting.length < PERF_EVENTS_WAITING) waiting.push({ bytes: bytes.slice(), cpu });
        else lost.set(cpu, (lost.get(cpu) ?? 0) + 1);
      };
      if (map.open(cpu, receive) === 0) opened.push(cpu);
    }
    const take = () => {
      const events = waiting.splice(0);
      for (const { bytes, cpu } of events) sink.event(bytes, cpu);
      for (const [cpu, count] of lost) sink.lost(count, cpu);
      lost.clear();
      return events.length;
    };
    return new EventDelivery(take, () => {
      for (const cpu of opened) map.shut(cpu);
    });
  }

  /** Maps without batches: keys first, since an entry that goes meanwhile would lead back to the start. */
  *#entriesByKey(): IterableIterator<Entry> {
    const keys: Uint8Array[] = [];
    const limit = this.info.maxEntries + 1;
    for (let key = this.nextKey(); key !== undefined && keys.length < limit; key = this.nextKey(key)) keys.push(key);
    for (const key of keys) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }

  #live(command: string): LiveMap {
    if (!this.#open) throw this.#failure(command, EBADF, "it is closed");
    return this.object.live;
  }

  /** False for -ENOENT. @throws SyscallError for any other error. */
  #found(command: string, error: number): boolean {
    if (error === -ENOENT) return false;
    this.#check(command, error);
    return true;
  }

  #check(command: string, error: number): void {
    if (error !== 0) throw this.#failure(command, -error);
  }

  #failure(command: string, errno: number, reason?: string): SyscallError {
    const name = errnoName(errno);
    const why = reason === undefined ? "" : ` (${reason})`;
    return new SyscallError(`${command} of map '${this.info.name}': ${name}${why}`, {
      command,
      errno,
      errnoName: name,
    });
  }
}

function* nonZeroEntries(map: ArrayMap): IterableIterator<Entry> {
  for (let index = map.nextNonZero(0); index >= 0; index = map.nextNonZero(index + 1)) {
    const key = new Uint8Array(4);
    const value = new Uint8Array(map.valueSize);
    writeIndex(key, index);
    if (map.lookup(key, value, 0) === 0) yield [key, value];
  }
}
