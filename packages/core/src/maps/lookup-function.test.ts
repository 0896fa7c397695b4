import { describe, expect, it } from "vitest";
import { mapTypes } from "../abi/index.js";
import { lookupFunction } from "./lookup-function.js";
import { newCore, newMap, u32 } from "./testing/fixture.js";

describe("the lookup function of a type", () => {
  it("is one that the core exports, for every type and key size", () => {
    const { functions } = newCore();
    for (const { name } of mapTypes) {
      for (let size = 1; size <= 64; size++) {
        const lookup = lookupFunction(name, size);
        if (lookup !== undefined) expect(functions[lookup]).toBeTypeOf("function");
      }
    }
  });

  it("finds what the general one finds", () => {
    const core = newCore();
    for (const type of ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash"] as const) {
      for (const keySize of [1, 4, 6, 8, 11, 12, 13, 16, 17, 32]) {
        const map = newMap({ type, keySize, valueSize: 8, maxEntries: 20 }, core);
        const key = core.memory.alloc(keySize);
        for (let at = 0; at < 20; at++) {
          const bytes = new Uint8Array(keySize).fill(at);
          core.memory.u8.set(bytes, key);
          if (at % 2 === 0) expect(map.update(bytes, new Uint8Array([...u32(at, 0), ...u32(at, 0)]))).toBe(0);
          const expected = core.functions.lookup(map.address, key);
          expect(core.functions[lookupFunction(type, keySize)!](map.address, key)).toBe(expected);
          expect(expected !== 0).toBe(at % 2 === 0);
          if (expected !== 0) expect(core.memory.u32[expected >>> 2]).toBe(at);
        }
      }
    }
  });
});
