import { describe, expect, it } from "vitest";
import { mapHeader } from "../layout.js";
import { newCore, newMap, u32 } from "../testing/fixture.js";

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe("index of a large trie", () => {
  it.each([4, 16])("gives what a walk from the root gives, %i bytes of data", (dataSize) => {
    const core = newCore();
    const { memory, functions } = core;
    const attributes = { type: "lpm_trie", keySize: dataSize + 4, valueSize: 8, maxEntries: 50_000, flags: 1 } as const;
    const map = newMap(attributes, core);
    const random = randomNumbers(7);
    const scratch = memory.alloc(64);
    const lookup = functions[`trie_lookup_${dataSize as 4 | 16}`];
    const makeKey = (length: number) => {
      // Two thirds crowd in a few /16s, so that some parts of the index are dense and others empty.
      const first = random() % 3 === 0 ? random() : (random() & 0xffff_0003) >>> 0;
      return new Uint8Array([...u32(length, first, random(), random(), random())]).slice(0, dataSize + 4);
    };
    const compare = (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        memory.u8.set(makeKey(random() % 8 === 0 ? random() % 33 : dataSize * 8), scratch);
        const expected = functions.trie_lookup_any(map.address, scratch);
        expect(lookup(map.address, scratch)).toBe(expected);
      }
    };
    const keys: Uint8Array[] = [];
    const shortest = [0, 8, 15, 16, 17, 24];
    for (let at = 0; at < 12_000; at++) {
      const long = 17 + (random() % (dataSize * 8 - 16));
      const key = makeKey(at % 50 === 0 ? shortest[random() % shortest.length]! : Math.min(long, dataSize * 8));
      if (map.update(key, new Uint8Array(8)) === 0) keys.push(key);
    }
    expect(memory.u32[(map.address + mapHeader.INDEX) >>> 2]).not.toBe(0);
    compare(2000);
    expect(memory.u32[(map.address + mapHeader.INDEX_WAIT) >>> 2]).toBe(0);
    for (let round = 0; round < 3000; round++) {
      const key = random() % 4 === 0 ? makeKey(random() % (dataSize * 8 + 1)) : keys[random() % keys.length]!;
      if (random() % 2 === 0) map.delete(key);
      else map.update(key, new Uint8Array(8));
      // Long enough without a change of short prefixes now and then for the index to be made again.
      compare(round % 100 === 0 ? 600 : 3);
    }
  });
});
