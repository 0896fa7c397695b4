import { type FunctionIndex, I32, ModuleBuilder } from "../../wasm/index.js";
import { element, handleSlot, mapHeader } from "../layout.js";
import { defineArrays } from "./array.js";
import { defineBloomFilter } from "./bloom-filter.js";
import { defineDispatch, missing } from "./dispatch.js";
import { definePool } from "./element-pool.js";
import type { Expression } from "./expression.js";
import {
  defineHashDelete,
  defineHashUpdate,
  defineLookups,
  defineNextKey,
  definePerCpuHashUpdate,
  type LookupFamily,
  perCpuValueAddress,
  valueAddress,
} from "./hash.js";
import { defineTable } from "./hash-table.js";
import { keyShapes } from "./key.js";
import { defineTrie } from "./lpm-trie.js";
import { defineLruDelete, defineLruPerCpuUpdate, defineLruUpdate } from "./lru-hash.js";
import { defineLru } from "./lru-lists.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import { defineQueues } from "./queue.js";
import { defineRingBuffer } from "./ring-buffer.js";
import { type CoreScope, createScope } from "./scope.js";
import { defineTableMove } from "./table-growth.js";
import { defineTrieIndex } from "./trie-index.js";
import { defineTrieKeys } from "./trie-key.js";
import { defineTrieFind, defineTrieLookups } from "./trie-lookup.js";
import { defineValues, type ValueProcedures } from "./value.js";
import { defineWalk } from "./walk.js";

/** Pages that 32-bit addresses reach. */
const MAX_PAGES = 65536;

/** A module's import names, for whoever instantiates it. */
export const coreImports = { MODULE: "maps", MEMORY: "memory", CPU: "cpu", GROW: "grow" } as const;

/** Writes the map core's module. `shared`: for a memory that several threads share. */
export function buildMapCore(shared: boolean): Uint8Array {
  const module = new ModuleBuilder("map core");
  module.importMemory(coreImports.MODULE, coreImports.MEMORY, {
    minimum: 1,
    ...(shared && { maximum: MAX_PAGES, shared }),
  });
  const cpu = module.importGlobal(coreImports.MODULE, coreImports.CPU, I32, true);
  const grow: FunctionIndex = module.importFunction(coreImports.MODULE, coreImports.GROW, [I32], [I32]);
  const scope = createScope(module, cpu, { index: grow });

  const values = defineValues(scope);
  const arrays = defineArrays(scope, values);
  const hashes = defineHashKinds(scope, values);
  const lrus = defineLruKinds(scope, values);
  const tries = defineTrieKinds(scope, values);
  const queues = defineQueues(scope);
  const bloom = defineBloomFilter(scope);
  const rings = defineRingBuffer(scope);

  const exported: Record<string, Callable> = {
    array_lookup: arrays.lookup,
    percpu_array_lookup: arrays.perCpuLookup,
    array_of_maps_lookup: arrays.handleLookup,
    redirect_array_lookup: arrays.slotLookup,
    ...family("hash_lookup", hashes.lookup),
    ...family("percpu_hash_lookup", hashes.perCpuLookup),
    ...family("hash_of_maps_lookup", hashes.handleLookup),
    ...family("lru_lookup", lrus.lookup),
    ...family("lru_percpu_lookup", lrus.perCpuLookup),
    ...family("lru_peek", lrus.entry),
    trie_lookup_4: tries.lookups.lookup4,
    trie_lookup_16: tries.lookups.lookup16,
    trie_lookup_any: tries.lookups.lookupAny,
    move_table: defineTableMove(scope, hashes.insert),
    ringbuf_reserve: rings.reserve,
    ringbuf_commit: rings.commit,
    ringbuf_output: rings.output,
    ringbuf_query: rings.query,
    walk: defineWalk(scope),
    copy_value: values.copy,
    lookup: defineDispatch(
      scope,
      "lookup",
      ["map", "key"],
      {
        hash: hashes.lookup.choose,
        array: arrays.lookup,
        percpu_hash: hashes.perCpuLookup.choose,
        percpu_array: arrays.perCpuLookup,
        lru_hash: lrus.lookup.choose,
        lru_percpu_hash: lrus.perCpuLookup.choose,
        lpm_trie: tries.lookups.choose,
        array_of_maps: arrays.handleLookup,
        hash_of_maps: hashes.handleLookup.choose,
        devmap: arrays.slotLookup,
        devmap_hash: hashes.lookup.choose,
        cpumap: arrays.slotLookup,
        xskmap: arrays.slotLookup,
        sockmap: arrays.slotLookup,
        sockhash: hashes.lookup.choose,
        reuseport_sockarray: arrays.slotLookup,
      },
      missing.lookup,
    ),
    // What user space looks at: entries themselves, without marking them as used.
    peek_entry: defineDispatch(
      scope,
      "peek_entry",
      ["map", "key"],
      {
        hash: hashes.lookup.choose,
        percpu_hash: hashes.entry,
        lru_hash: lrus.entry.choose,
        lru_percpu_hash: lrus.entry.choose,
        lpm_trie: tries.lookups.choose,
        hash_of_maps: hashes.lookup.choose,
        devmap_hash: hashes.lookup.choose,
        sockhash: hashes.lookup.choose,
      },
      missing.lookup,
    ),
    lookup_percpu: defineDispatch(
      scope,
      "lookup_percpu",
      ["map", "key", "cpu"],
      {
        percpu_hash: hashes.lookupPerCpu,
        percpu_array: defineLookupPerCpuArray(scope),
        lru_percpu_hash: lrus.lookupPerCpu,
      },
      missing.lookup,
    ),
    update: defineDispatch(
      scope,
      "update",
      ["map", "key", "value", "flags"],
      {
        hash: hashes.update,
        array: arrays.update,
        percpu_hash: hashes.perCpuUpdate,
        percpu_array: arrays.perCpuUpdate,
        lru_hash: lrus.update,
        lru_percpu_hash: lrus.perCpuUpdate,
        lpm_trie: tries.update,
        hash_of_maps: hashes.update,
        devmap_hash: hashes.update,
        sockhash: hashes.update,
      },
      missing.update,
    ),
    delete: defineDispatch(
      scope,
      "delete",
      ["map", "key"],
      {
        hash: hashes.remove,
        percpu_hash: hashes.remove,
        lru_hash: lrus.remove,
        lru_percpu_hash: lrus.remove,
        lpm_trie: tries.remove,
        hash_of_maps: hashes.remove,
        devmap_hash: hashes.remove,
        sockhash: hashes.remove,
      },
      missing.delete,
    ),
    next_key: defineDispatch(
      scope,
      "next_key",
      ["map", "key", "next"],
      {
        hash: hashes.nextKey,
        percpu_hash: hashes.nextKey,
        lru_hash: lrus.nextKey,
        lru_percpu_hash: lrus.nextKey,
        lpm_trie: tries.nextKey,
        hash_of_maps: hashes.nextKey,
        devmap_hash: hashes.nextKey,
        sockhash: hashes.nextKey,
      },
      missing.nextKey,
    ),
    push: defineDispatch(
      scope,
      "push",
      ["map", "value", "flags"],
      {
        queue: queues.push,
        stack: queues.push,
        bloom_filter: bloom.push,
      },
      missing.update,
    ),
    read: defineDispatch(
      scope,
      "read",
      ["map", "value", "remove"],
      {
        queue: queues.queueRead,
        stack: queues.stackRead,
      },
      missing.read,
    ),
    bloom_peek: bloom.peek,
  };
  for (const [name, procedure] of Object.entries(exported)) module.exportFunction(name, procedure.index);
  return module.finish();
}

/** Exports of a family of lookups, by shape of the key. */
function family(name: string, lookups: LookupFamily): Record<string, Callable> {
  return Object.fromEntries([
    ...keyShapes.map((shape) => [`${name}_${shape}`, lookups[shape]]),
    [name, lookups.choose],
  ]);
}

function defineHashKinds(scope: CoreScope, values: ValueProcedures) {
  const table = defineTable(scope, "hash", element.KEY);
  const parts = { table, pool: definePool(scope), values };
  const lookup = defineLookups(scope, "hash_lookup", element.KEY, (_, map, found) => valueAddress(map, found));
  const perCpuLookup = defineLookups(scope, "percpu_hash_lookup", element.KEY, (_, map, found) =>
    perCpuValueAddress(map, found, scope.cpu),
  );
  const handleLookup = defineLookups(scope, "hash_of_maps_lookup", element.KEY, (_, map, found) =>
    valueAddress(map, found).u32(handleSlot.HANDLE),
  );
  return {
    lookup,
    perCpuLookup,
    handleLookup,
    insert: table.insert,
    entry: lookup.choose,
    lookupPerCpu: defineLookupPerCpu(scope, "percpu_hash_lookup_percpu", lookup.choose),
    update: defineHashUpdate(scope, parts),
    perCpuUpdate: definePerCpuHashUpdate(scope, parts),
    remove: defineHashDelete(scope, parts),
    nextKey: defineNextKey(scope, "hash_next_key", element.KEY, table),
  };
}

function defineLruKinds(scope: CoreScope, values: ValueProcedures) {
  const table = defineTable(scope, "lru", element.LRU_KEY);
  const parts = { table, lru: defineLru(scope, table), values };
  const mark = (p: Procedure, found: Expression) => {
    // Only written when it changes, to leave the cache line alone.
    p.if(found.u8(element.REFERENCED).isZero(), () => p.store8(found, element.REFERENCED, 1));
  };
  const lookup = defineLookups(scope, "lru_lookup", element.LRU_KEY, (p, map, found) => {
    mark(p, found);
    return valueAddress(map, found);
  });
  const perCpuLookup = defineLookups(scope, "lru_percpu_lookup", element.LRU_KEY, (p, map, found) => {
    mark(p, found);
    return perCpuValueAddress(map, found, scope.cpu);
  });
  const entry = defineLookups(scope, "lru_peek", element.LRU_KEY, (_, map, found) => valueAddress(map, found));
  return {
    lookup,
    perCpuLookup,
    entry,
    lookupPerCpu: defineLookupPerCpu(scope, "lru_lookup_percpu", lookup.choose),
    update: defineLruUpdate(scope, parts),
    perCpuUpdate: defineLruPerCpuUpdate(scope, parts),
    remove: defineLruDelete(scope, parts),
    nextKey: defineNextKey(scope, "lru_next_key", element.LRU_KEY, table),
  };
}

function defineTrieKinds(scope: CoreScope, values: ValueProcedures) {
  const keys = defineTrieKeys(scope);
  const index = defineTrieIndex(scope);
  const lookups = defineTrieLookups(scope, keys, index);
  return { lookups, ...defineTrie(scope, keys, defineTrieFind(scope, keys), values, index) };
}

/** Any CPU's value, where `entry` finds the per-CPU values' address. */
function defineLookupPerCpu({ module }: CoreScope, name: string, entry: Callable) {
  return defineProcedure(module, name, ["map", "key", "cpu"], (p) => {
    const { map, key, cpu } = p.params;
    p.if(cpu.ge(map.u32(mapHeader.CPUS)), () => p.return(0));
    const found = p.let("found", p.call(entry, map, key));
    p.if(found.isZero(), () => p.return(0));
    p.return(found.u32().add(cpu.mul(map.u32(mapHeader.CPU_STRIDE))));
  });
}

function defineLookupPerCpuArray({ module }: CoreScope) {
  return defineProcedure(module, "percpu_array_lookup_percpu", ["map", "key", "cpu"], (p) => {
    const { map, key, cpu } = p.params;
    p.if(cpu.ge(map.u32(mapHeader.CPUS)), () => p.return(0));
    const index = p.let("index", key.u32());
    p.if(index.ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(0));
    const entry = map.u32(mapHeader.STORAGE).add(index.mul(map.u32(mapHeader.STRIDE)));
    p.return(entry.add(cpu.mul(map.u32(mapHeader.CPU_STRIDE))));
  });
}
