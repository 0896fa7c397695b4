import { element, handleSlot, mapHeader } from "../layout.js";
import { definePool } from "./element-pool.js";
import type { Expression } from "./expression.js";
import {
  defineHashDelete,
  defineHashUpdate,
  defineLookups,
  defineNextKey,
  definePerCpuHashUpdate,
  perCpuValueAddress,
  valueAddress,
} from "./hash.js";
import { defineTable } from "./hash-table.js";
import { defineTrie } from "./lpm-trie.js";
import { defineLru } from "./lru.js";
import { defineLruPerCpuUpdate, defineLruUpdate } from "./lru-hash.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { defineTrieIndex } from "./trie-index.js";
import { defineTrieKeys } from "./trie-key.js";
import { defineTrieFind, defineTrieLookups } from "./trie-lookup.js";
import type { ValueProcedures } from "./value.js";

/** Hash, per-CPU hash, and the hashes whose values are references. */
export function defineHashKinds(scope: CoreScope, values: ValueProcedures) {
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
    remove: defineHashDelete(scope, "hash_delete", table, parts.pool.give),
    nextKey: defineNextKey(scope, "hash_next_key", element.KEY, table),
  };
}

/** LRU hash, plain and per CPU. */
export function defineLruKinds(scope: CoreScope, values: ValueProcedures) {
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
    remove: defineHashDelete(scope, "lru_delete", table, parts.lru.give),
    nextKey: defineNextKey(scope, "lru_next_key", element.LRU_KEY, table),
  };
}

/** LPM trie. */
export function defineTrieKinds(scope: CoreScope, values: ValueProcedures) {
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

/** Any CPU's value of a per-CPU array. */
export function defineLookupPerCpuArray({ module }: CoreScope) {
  return defineProcedure(module, "percpu_array_lookup_percpu", ["map", "key", "cpu"], (p) => {
    const { map, key, cpu } = p.params;
    p.if(cpu.ge(map.u32(mapHeader.CPUS)), () => p.return(0));
    const index = p.let("index", key.u32());
    p.if(index.ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(0));
    const entry = map.u32(mapHeader.STORAGE).add(index.mul(map.u32(mapHeader.STRIDE)));
    p.return(entry.add(cpu.mul(map.u32(mapHeader.CPU_STRIDE))));
  });
}
