import type { MapType } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import { EventStream } from "./event-stream.js";
import type { Program } from "./program.js";
import type { MapInfo, RawMap } from "./raw-map.js";
import type { ValueCodec } from "./value-codec.js";

const perCpuTypes: ReadonlySet<MapType> = new Set([
  "percpu_hash",
  "percpu_array",
  "lru_percpu_hash",
  "percpu_cgroup_storage",
]);
const referenceTypes: ReadonlySet<MapType> = new Set(["prog_array", "array_of_maps", "hash_of_maps"]);
const noKey = new Uint8Array(0);

/** Codecs of a map's keys and values (and of its events, for ring buffers and perf event arrays). */
export interface MapCodecs<K, V> {
  readonly key: ValueCodec<K>;
  readonly value: ValueCodec<V>;
}

/** Does a map of this type hold a value for each CPU? */
export function isPerCpuMap(type: MapType): boolean {
  return perCpuTypes.has(type);
}

/**
 * A live map with typed keys and values. The same class serves both hosts; {@link raw} is the map as bytes, and the
 * errors are those of {@link RawMap}.
 *
 * In per-CPU maps a value is an array, one element a possible CPU: they are read with {@link lookupPerCpu} and written
 * with {@link updatePerCpu}. In prog arrays and maps of maps a value is written as a {@link Program} or `BpfMap` and read
 * back as its id.
 */
export class BpfMap<K = unknown, V = unknown> implements AsyncIterable<V> {
  readonly raw: RawMap;
  readonly codecs: MapCodecs<K, V>;

  constructor(raw: RawMap, codecs: MapCodecs<K, V>) {
    this.raw = raw;
    this.codecs = codecs;
  }

  get info(): MapInfo {
    return this.raw.info;
  }

  get name(): string {
    return this.raw.info.name;
  }

  get type(): MapType {
    return this.raw.info.type;
  }

  /** True where values are arrays, one element a possible CPU. */
  get perCpu(): boolean {
    return isPerCpuMap(this.type);
  }

  /** The value of `key`, or undefined where there is none. */
  lookup(key: K, flags = 0): V | undefined {
    this.#refusePerCpu("lookupPerCpu");
    const bytes = this.raw.lookup(this.codecs.key.encode(key), flags);
    return bytes === undefined ? undefined : this.codecs.value.decode(bytes);
  }

  /** `flags`: BPF_ANY (0), BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK. */
  update(key: K, value: V | Program | BpfMap, flags = 0): void {
    const keyBytes = this.codecs.key.encode(key);
    if (referenceTypes.has(this.type) && isSlotTarget(value)) {
      this.raw.updateReference(keyBytes, value, flags);
      return;
    }
    this.#refusePerCpu("updatePerCpu");
    this.raw.update(keyBytes, this.codecs.value.encode(value as V), flags);
  }

  /** False where there was nothing to delete. */
  delete(key: K): boolean {
    return this.raw.delete(this.codecs.key.encode(key));
  }

  /** Reads and deletes in one step; undefined where there is none. */
  lookupAndDelete(key: K, flags = 0): V | undefined {
    this.#refusePerCpu("raw.lookupAndDelete");
    const bytes = this.raw.lookupAndDelete(this.codecs.key.encode(key), flags);
    return bytes === undefined ? undefined : this.codecs.value.decode(bytes);
  }

  /** One value a possible CPU, or undefined where the key isn't there. */
  lookupPerCpu(key: K, flags = 0): V[] | undefined {
    const bytes = this.raw.lookup(this.codecs.key.encode(key), flags);
    return bytes === undefined ? undefined : this.decodePerCpu(bytes);
  }

  /** Writes every CPU's value. */
  updatePerCpu(key: K, values: readonly V[], flags = 0): void {
    const stride = perCpuStride(this.info.valueSize);
    const bytes = new Uint8Array(this.raw.transferSize);
    if (values.length * stride !== bytes.length) {
      throw new BpfError("VALUE", `${bytes.length / stride} values are needed, one a CPU, not ${values.length}`);
    }
    values.forEach((value, cpu) => {
      bytes.set(this.codecs.value.encode(value), cpu * stride);
    });
    this.raw.update(this.codecs.key.encode(key), bytes, flags);
  }

  /** Splits bytes of {@link raw} into one value a CPU. */
  decodePerCpu(bytes: Uint8Array): V[] {
    const { valueSize } = this.info;
    const values: V[] = [];
    for (let at = 0; at < bytes.length; at += perCpuStride(valueSize)) {
      values.push(this.codecs.value.decode(bytes.subarray(at, at + valueSize)));
    }
    return values;
  }

  /** Appends to a queue, stack or bloom filter; with BPF_EXIST a full queue or stack drops its oldest element. */
  push(value: V, flags = 0): void {
    this.raw.update(noKey, this.codecs.value.encode(value), flags);
  }

  /** Takes from a queue or stack; undefined when it is empty. */
  pop(): V | undefined {
    const bytes = this.raw.lookupAndDelete(noKey);
    return bytes === undefined ? undefined : this.codecs.value.decode(bytes);
  }

  /** The element that {@link pop} would take. */
  peek(): V | undefined {
    const bytes = this.raw.lookup(noKey);
    return bytes === undefined ? undefined : this.codecs.value.decode(bytes);
  }

  *keys(): IterableIterator<K> {
    for (let key = this.raw.nextKey(); key !== undefined; key = this.raw.nextKey(key))
      yield this.codecs.key.decode(key);
  }

  /** All entries, as {@link RawMap.entries} walks them; for per-CPU maps {@link perCpuEntries}. */
  *entries(): IterableIterator<[K, V]> {
    this.#refusePerCpu("perCpuEntries");
    for (const [key, value] of this.raw.entries()) yield [this.codecs.key.decode(key), this.codecs.value.decode(value)];
  }

  *perCpuEntries(): IterableIterator<[K, V[]]> {
    for (const [key, value] of this.raw.entries()) yield [this.codecs.key.decode(key), this.decodePerCpu(value)];
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  /** The events of a ring buffer or perf event array, with their CPU and the count of lost ones. */
  events(options: { highWater?: number | undefined } = {}): EventStream<V> {
    // An event that is kept beyond the delivery has to leave the ring that it lies in.
    return new EventStream(
      (sink) => this.raw.subscribe(sink),
      (bytes) => this.codecs.value.decode(bytes.slice()),
      options,
    );
  }

  /** `for await (const event of map)`: the decoded events of a ring buffer or perf event array. */
  async *[Symbol.asyncIterator](): AsyncGenerator<V, void, undefined> {
    for await (const event of this.events()) yield event.value;
  }

  freeze(): void {
    this.raw.freeze();
  }

  close(): void {
    this.raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #refusePerCpu(instead: string): void {
    if (this.perCpu) {
      throw new BpfError("PER_CPU", `map '${this.name}' has a value for each CPU: use ${instead}()`, {
        map: this.name,
      });
    }
  }
}

/** Bytes from one CPU's value to the next in what bpf(2) passes for a per-CPU map. */
export function perCpuStride(valueSize: number): number {
  return Math.ceil(valueSize / 8) * 8;
}

function isSlotTarget(value: unknown): value is Program | BpfMap {
  return value instanceof BpfMap || (typeof value === "object" && value !== null && "testRun" in value);
}
