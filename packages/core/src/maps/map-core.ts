import {
  type LinearMemory,
  type RegionRegistry,
  type WasmGlobal,
  type WasmInstance,
  type WasmModule,
  webAssembly,
} from "../wasm/index.js";
import type { KeyShape } from "./core/key.js";
import { buildMapCore, coreImports } from "./core/module.js";
import type { LiveMap } from "./live-map.js";

type KeyLookup = (map: number, key: number) => number;

/** The lookups of a hash kind: `name` chooses by the map's key size, the others are for keys that have the shape. */
type LookupFamily<Name extends string> = { readonly [Export in Name | `${Name}_${KeyShape}`]: KeyLookup };

/**
 * The map core's functions, as the instance exports them. `map` is the address of a header; keys, values and results are
 * addresses; errors are negative errno numbers. They run on the CPU that the core's `cpu` global names.
 */
export interface MapCoreExports
  extends LookupFamily<"hash_lookup">,
    LookupFamily<"percpu_hash_lookup">,
    LookupFamily<"hash_of_maps_lookup">,
    LookupFamily<"lru_lookup">,
    LookupFamily<"lru_percpu_lookup">,
    LookupFamily<"lru_peek"> {
  /** bpf_map_lookup_elem(): the value's address or 0. Of maps of maps, the inner map's header. */
  lookup(map: number, key: number): number;
  /** The entry for user space: as `lookup`, but marks nothing as used, and per-CPU kinds give where CPU 0's address is. */
  peek_entry(map: number, key: number): number;
  /** bpf_map_lookup_percpu_elem() */
  lookup_percpu(map: number, key: number, cpu: number): number;
  /** bpf_map_update_elem(); per-CPU kinds write the running CPU's value. */
  update(map: number, key: number, value: number, flags: number): number;
  /** bpf_map_delete_elem() */
  delete(map: number, key: number): number;
  /** Writes the key after `key` (0: the first one) to `next`. Hash kinds and tries. */
  next_key(map: number, key: number, next: number): number;
  /** bpf_map_push_elem() */
  push(map: number, value: number, flags: number): number;
  /** bpf_map_pop_elem() with `remove` 1, bpf_map_peek_elem() of queues and stacks with 0. */
  read(map: number, value: number, remove: number): number;
  /** bpf_map_peek_elem() of a Bloom filter. */
  bloom_peek(map: number, value: number): number;
  /** For bpf_for_each_map_elem(): writes the addresses of a key and a value to `out`; returns the next index, 0 at the end. */
  walk(map: number, index: number, out: number): number;
  /** Copies one value, without the fields that copies leave alone. */
  copy_value(map: number, to: number, from: number): number;
  array_lookup: KeyLookup;
  percpu_array_lookup: KeyLookup;
  array_of_maps_lookup: KeyLookup;
  redirect_array_lookup: KeyLookup;
  trie_lookup_4: KeyLookup;
  trie_lookup_16: KeyLookup;
  trie_lookup_any: KeyLookup;
  /** bpf_ringbuf_reserve(): the data's address or 0. */
  ringbuf_reserve(map: number, size: number): number;
  /** bpf_ringbuf_submit() with `discard` 0, bpf_ringbuf_discard() with BPF_RINGBUF_DISCARD_BIT. */
  ringbuf_commit(record: number, flags: number, discard: number): number;
  /** bpf_ringbuf_output() */
  ringbuf_output(map: number, data: number, size: number, flags: number): number;
  /** bpf_ringbuf_query(): writes a u64 to `out`. */
  ringbuf_query(map: number, what: number, out: number): number;
  /** @internal Moves a hash's slots to a larger table. */
  move_table(map: number, table: number, mask: number): number;
}

/** What a {@link MapCore} works on. */
export interface MapCoreOptions {
  readonly memory: LinearMemory;
  /** Possible CPUs: how many copies per-CPU maps have. Default 1. */
  readonly cpus?: number | undefined;
  /** The running CPU's number, a mutable i32 global; default a new one that is 0. */
  readonly cpu?: WasmGlobal | undefined;
  /** Seeds of hash functions, u32s; fixed ones make a run repeat exactly. Default random. */
  readonly seed?: (() => number) | undefined;
  /** Is told where values and keys lie that checked programs may touch. */
  readonly regions?: RegionRegistry | undefined;
}

const modules = new Map<boolean, WasmModule>();

function moduleFor(shared: boolean): WasmModule {
  let module = modules.get(shared);
  if (module === undefined) {
    module = new (webAssembly().Module)(buildMapCore(shared));
    modules.set(shared, module);
  }
  return module;
}

/**
 * The operations of all maps in one linear memory: an instance of the map core's module, which interpreter, JIT and
 * TypeScript call alike, and the maps by their headers' addresses.
 */
export class MapCore {
  readonly memory: LinearMemory;
  readonly cpus: number;
  readonly cpu: WasmGlobal;
  readonly instance: WasmInstance;
  readonly functions: MapCoreExports;
  readonly regions: RegionRegistry | undefined;
  /** Address of the number of the current run, see {@link enterRun}. */
  readonly runAddress: number;
  readonly #maps = new Map<number, LiveMap>();
  readonly #seed: () => number;
  #newest: LiveMap | undefined;
  #lastId = 0;
  #runs = 0;
  #scratch = 0;
  #scratchSize = 0;

  constructor(options: MapCoreOptions) {
    this.memory = options.memory;
    this.cpus = options.cpus ?? 1;
    this.cpu = options.cpu ?? new (webAssembly().Global)({ value: "i32", mutable: true }, 0);
    this.regions = options.regions;
    this.#seed = options.seed ?? (() => Math.floor(Math.random() * 2 ** 32));
    this.instance = new (webAssembly().Instance)(moduleFor(this.memory.shared), {
      [coreImports.MODULE]: {
        [coreImports.MEMORY]: this.memory.memory,
        [coreImports.CPU]: this.cpu,
        [coreImports.GROW]: (map: number) => this.#maps.get(map >>> 0)!.grow(),
      },
    });
    this.functions = this.instance.exports as unknown as MapCoreExports;
    this.runAddress = this.memory.alloc(4);
  }

  /** The map whose header is at this address. */
  mapAt(address: number): LiveMap | undefined {
    return this.#maps.get(address);
  }

  /** A program starts to run, and may keep pointers into maps until {@link leaveRun}. Runs nest. */
  enterRun(): void {
    this.#runs++;
  }

  /** The run is over: what maps gave back meanwhile can be used again. */
  leaveRun(): void {
    if (--this.#runs === 0) this.betweenRuns();
  }

  /** @internal A change from user space: outside of runs nobody holds pointers. */
  betweenRuns(): void {
    if (this.#runs === 0) this.memory.u32[this.runAddress >>> 2]!++;
  }

  /** @internal */
  nextId(): number {
    return ++this.#lastId;
  }

  /** @internal */
  nextSeed(): number {
    return this.#seed() >>> 0;
  }

  /** @internal Room to pass keys and values through; valid until the next call. May allocate. */
  scratch(size: number): number {
    if (size > this.#scratchSize) {
      if (this.#scratch !== 0) this.memory.free(this.#scratch);
      this.#scratchSize = 0;
      this.#scratch = this.memory.alloc(Math.max(size, 1024));
      this.#scratchSize = Math.max(size, 1024);
    }
    return this.#scratch;
  }

  /** @internal */
  register(map: LiveMap): void {
    this.#maps.set(map.address, map);
    this.#newest = map;
  }

  /** @internal Closes what `create` began when it throws, so that a map that can't be made leaves nothing behind. */
  creating<T>(create: () => T): T {
    const before = this.#newest;
    try {
      return create();
    } catch (error) {
      if (this.#newest !== before) this.#newest!.close();
      throw error;
    }
  }

  /** @internal */
  unregister(map: LiveMap): void {
    this.#maps.delete(map.address);
  }
}
