import { type FunctionIndex, I32, ModuleBuilder } from "../../wasm/index.js";
import { defineArrays } from "./array.js";
import { defineBloomFilter } from "./bloom-filter.js";
import { defineDispatch, missing } from "./dispatch.js";
import type { LookupFamily } from "./hash.js";
import { keyShapes } from "./key.js";
import { defineHashKinds, defineLookupPerCpuArray, defineLruKinds, defineTrieKinds } from "./kinds.js";
import type { Callable } from "./procedure.js";
import { defineQueues } from "./queue.js";
import { defineRingBuffer } from "./ring-buffer.js";
import { type CoreScope, createScope } from "./scope.js";
import { defineTableMove } from "./table-growth.js";
import { defineValues } from "./value.js";
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

  const parts = defineParts(scope);
  const exported = { ...directCalls(scope, parts), ...dispatched(scope, parts) };
  for (const [name, procedure] of Object.entries(exported)) module.exportFunction(name, procedure.index);
  return module.finish();
}

function defineParts(scope: CoreScope) {
  const values = defineValues(scope);
  return {
    values,
    arrays: defineArrays(scope, values),
    perCpuArray: defineLookupPerCpuArray(scope),
    hashes: defineHashKinds(scope, values),
    lrus: defineLruKinds(scope, values),
    tries: defineTrieKinds(scope, values),
    queues: defineQueues(scope),
    bloom: defineBloomFilter(scope),
    rings: defineRingBuffer(scope),
  };
}

type Parts = ReturnType<typeof defineParts>;

/** What is called for one type of map, known beforehand. */
function directCalls(scope: CoreScope, { values, arrays, hashes, lrus, tries, bloom, rings }: Parts) {
  const calls: Record<string, Callable> = {
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
    bloom_peek: bloom.peek,
  };
  return calls;
}

/** What chooses by the map's type. */
function dispatched(scope: CoreScope, { arrays, perCpuArray, hashes, lrus, tries, queues, bloom }: Parts) {
  const calls: Record<string, Callable> = {
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
        percpu_array: perCpuArray,
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
  };
  return calls;
}

/** Exports of a family of lookups, by shape of the key. */
function family(name: string, lookups: LookupFamily): Record<string, Callable> {
  return Object.fromEntries([
    ...keyShapes.map((shape) => [`${name}_${shape}`, lookups[shape]]),
    [name, lookups.choose],
  ]);
}
