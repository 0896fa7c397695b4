import type { MapType } from "@tsbpf/core/abi";
import { BpfCall, ENOTSUPP, errnos, NativeBuffer, syscallError } from "../sys/index.js";

/** What a walk needs of a map. */
export interface WalkedMap {
  readonly fd: number;
  readonly info: {
    readonly name: string;
    readonly type: MapType;
    readonly keySize: number;
    readonly maxEntries: number;
  };
  /** Bytes of a value as the kernel hands it over. */
  readonly transferSize: number;
  lookup(key: Uint8Array): Uint8Array | undefined;
  /** The key after this one; the first without one. */
  nextKey(key?: Uint8Array): Uint8Array | undefined;
}

type Entry = [key: Uint8Array, value: Uint8Array];

const batchTypes: ReadonlySet<MapType> = new Set([
  "hash",
  "array",
  "percpu_hash",
  "percpu_array",
  "lru_hash",
  "lru_percpu_hash",
  "lpm_trie",
  "array_of_maps",
  "hash_of_maps",
]);

const BATCH_BYTES = 1 << 18;

/** Entries that came in one call, keys and values laid end to end; overwritten by the next batch. */
export interface EntryBatch {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

/**
 * All entries of a map. Where the kernel has batches (5.6) they are used: a hash map then is walked bucket by bucket, so
 * that deletions meanwhile cannot send the walk back to the start, as they do with GET_NEXT_KEY.
 */
export function* walkEntries(map: WalkedMap): IterableIterator<Entry> {
  const batches = walkBatches(map);
  if (batches === undefined) {
    yield* walkKeys(map);
    return;
  }
  const { keySize } = map.info;
  const valueSize = map.transferSize;
  for (const batch of batches) {
    // The caller keeps what it is given, and may be slow enough for the next batch. Entries are views of one copy: a buffer
    // of its own for each costs more than reading it did.
    const keys = batch.keys.slice();
    const values = batch.values.slice();
    for (let i = 0; i < batch.count; i++) {
      yield [keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * valueSize, (i + 1) * valueSize)];
    }
  }
}

/** All entries in as few calls as possible, or undefined where the kernel or the map's type has no batches. */
export function walkBatches(map: WalkedMap): IterableIterator<EntryBatch> | undefined {
  if (!batchTypes.has(map.info.type)) return undefined;
  const walk = new BatchWalk(map);
  return walk.start() ? walk.batches() : undefined;
}

/** Takes the keys first, then their values: a key that goes meanwhile is left out. */
function* walkKeys(map: WalkedMap): IterableIterator<Entry> {
  const seen = new Set<string>();
  const keys: Uint8Array[] = [];
  // A deletion under the walk sends it back to the first key; what was seen already is not taken again, and a walk that
  // only meets such keys ends.
  let repeated = 0;
  const limit = map.info.maxEntries + 16;
  for (let key = map.nextKey(); key !== undefined && repeated < limit; key = map.nextKey(key)) {
    const name = key.join();
    if (seen.has(name)) {
      repeated++;
      continue;
    }
    seen.add(name);
    keys.push(key);
  }
  for (const key of keys) {
    const value = map.lookup(key);
    if (value !== undefined) yield [key, value];
  }
}

class BatchWalk {
  readonly #map: WalkedMap;
  /** Where the walk is: a bucket number for hash maps, a key for the others. Its address alternates as in and out. */
  #in: NativeBuffer | undefined;
  #out: NativeBuffer;
  #keys: NativeBuffer;
  #values: NativeBuffer;
  #capacity: number;
  #count = 0;
  #last = false;

  constructor(map: WalkedMap) {
    this.#map = map;
    const { keySize, maxEntries } = map.info;
    this.#capacity = Math.max(
      1,
      Math.min(maxEntries, Math.max(64, Math.floor(BATCH_BYTES / (keySize + map.transferSize)))),
    );
    const positionSize = Math.max(keySize, 4);
    this.#out = new NativeBuffer(positionSize);
    this.#keys = new NativeBuffer(this.#capacity * keySize);
    this.#values = new NativeBuffer(this.#capacity * map.transferSize);
  }

  /** False where the kernel has no batch for this map. */
  start(): boolean {
    const result = this.#fetch();
    if (result === -ENOTSUPP || result === -errnos.EOPNOTSUPP || result === -errnos.EINVAL) return false;
    return this.#check(result);
  }

  *batches(): IterableIterator<EntryBatch> {
    const { keySize } = this.#map.info;
    for (;;) {
      const count = this.#count;
      if (count > 0) {
        const keys = this.#keys.bytes.subarray(0, count * keySize);
        yield { keys, values: this.#values.bytes.subarray(0, count * this.#map.transferSize), count };
      }
      if (this.#last) return;
      this.#check(this.#fetch());
    }
  }

  /** The result of one batch: 0, or -ENOENT for the last one. */
  #fetch(): number {
    for (;;) {
      const call = new BpfCall("BPF_MAP_LOOKUP_BATCH", {
        map_fd: this.#map.fd,
        in_batch: this.#in?.address,
        out_batch: this.#out.address,
        keys: this.#keys.address,
        values: this.#values.address,
        count: this.#capacity,
      });
      const result = call.try();
      if (result === -errnos.ENOSPC && this.#capacity <= this.#map.info.maxEntries * 2) {
        // A bucket has more entries than there is room for.
        this.#grow();
        continue;
      }
      this.#count = call.get("count");
      this.#last = result === -errnos.ENOENT;
      const before = this.#in ?? new NativeBuffer(this.#out.length);
      this.#in = this.#out;
      this.#out = before;
      return result;
    }
  }

  #check(result: number): true {
    if (result < 0 && !this.#last) throw syscallError(`BPF_MAP_LOOKUP_BATCH of map '${this.#map.info.name}'`, -result);
    return true;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#keys = new NativeBuffer(this.#capacity * this.#map.info.keySize);
    this.#values = new NativeBuffer(this.#capacity * this.#map.transferSize);
  }
}
