import { encodeText } from "../base/index.js";
import type { Records } from "./records.js";
import { essentialEnd, hashBytes } from "./strings.js";

/**
 * Types by essential name: a hash table of chains in two columns. One index answers for whole names and for flavors,
 * since names of one essential name share a chain.
 */
export class NameIndex {
  readonly #records: Records;
  readonly #mask: number;
  /** First id of each bucket's chain, 0 where it is empty. */
  readonly #heads: Uint32Array;
  /** The id that follows in an own type's chain; ids rise along a chain. */
  readonly #links: Uint32Array;

  constructor(records: Records) {
    const { firstId, length } = records;
    let buckets = 64;
    while (buckets < length - firstId) buckets *= 2;
    this.#records = records;
    this.#mask = buckets - 1;
    this.#heads = new Uint32Array(buckets);
    this.#links = new Uint32Array(length - firstId);
    for (let id = length - 1; id >= firstId; id--) {
      const name = records.nameOffset(id);
      if (name === 0) continue;
      const bucket = records.strings.hash(name) & this.#mask;
      this.#links[id - firstId] = this.#heads[bucket]!;
      this.#heads[bucket] = id;
    }
  }

  /** Calls `found` with every own type whose essential name hashes as `name`'s does, in order. */
  candidates(name: string, found: (id: number, name: string) => void): void {
    const { firstId, strings } = this.#records;
    const bytes = encodeText(name);
    const bucket = hashBytes(bytes, 0, essentialEnd(bytes, 0, bytes.length)) & this.#mask;
    for (let id = this.#heads[bucket]!; id !== 0; id = this.#links[id - firstId]!) {
      found(id, strings.get(this.#records.nameOffset(id)));
    }
  }
}
