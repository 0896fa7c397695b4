import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_NOEXIST } from "../abi/index.js";
import type { LpmTrieMap } from "./lpm-trie-map.js";
import { errorName, keysOf, newCore, newMap, prefix, u32 } from "./testing/fixture.js";

const NO_PREALLOC = 1;
const trie = (keySize = 8, maxEntries = 1000, core = newCore()) =>
  newMap({ type: "lpm_trie", keySize, valueSize: 4, maxEntries, flags: NO_PREALLOC }, core) as LpmTrieMap;

/** The bits of a key's prefix, as text. */
function bitsOf(key: Uint8Array): string {
  const length = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
  return [...key.subarray(4)]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("")
    .slice(0, length);
}

describe("LPM trie", () => {
  it("finds the longest prefix, for keys of all sizes", () => {
    const sizes = fc.constantFrom(1, 2, 3, 4, 5, 8, 9, 16, 20, 33);
    fc.assert(
      fc.property(
        sizes,
        fc.array(
          fc.tuple(
            fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
            fc.double({ min: 0, max: 1, noNaN: true }),
            fc.boolean(),
          ),
          { maxLength: 60 },
        ),
        (size, entries) => {
          const map = trie(size + 4);
          const model = new Map<string, number>();
          const makeKey = (pattern: readonly number[], share: number) => {
            // Few different bytes, so that prefixes share much.
            const data = Uint8Array.from({ length: size }, (_, at) => [0, 0xff, 0x80, 0x7f][pattern[at % 5]!]!);
            return new Uint8Array([...u32(Math.round(share * size * 8)), ...data]);
          };
          const value = new Uint8Array(4);
          entries.forEach(([pattern, share, remove], at) => {
            const key = makeKey(pattern, share);
            const known = model.has(bitsOf(key));
            if (remove) {
              expect(errorName(map.delete(key))).toBe(known ? "ok" : "ENOENT");
              model.delete(bitsOf(key));
            } else {
              expect(errorName(map.update(key, u32(at)))).toBe("ok");
              model.set(bitsOf(key), at);
            }
            for (const [other, otherShare] of entries) {
              const sought = makeKey(other, otherShare);
              const bits = bitsOf(sought);
              let expected: number | undefined;
              for (let length = 0; length <= bits.length; length++)
                expected = model.get(bits.slice(0, length)) ?? expected;
              const found = map.lookup(sought, value) === 0 ? new DataView(value.buffer).getUint32(0, true) : undefined;
              expect(found).toBe(expected);
            }
          });
          expect(map.count).toBe(model.size);
          const walked = keysOf(map).map(bitsOf);
          expect([...walked].sort()).toEqual([...model.keys()].sort());
          // A prefix comes after all that it contains.
          walked.forEach((bits, at) => {
            for (const later of walked.slice(at + 1)) expect(later.startsWith(bits)).toBe(false);
          });
        },
      ),
      { numRuns: 80 },
    );
  });

  it("answers as the kernel does", () => {
    const map = trie(8, 3);
    expect(errorName(map.update(prefix("10.0.0.0/8"), u32(1)))).toBe("ok");
    expect(errorName(map.update(prefix("10.1.2.3/8"), u32(2), BPF_NOEXIST))).toBe("EEXIST");
    expect(errorName(map.update(prefix("10.1.2.3/16"), u32(3), BPF_EXIST))).toBe("ENOENT");
    expect(errorName(map.update(prefix("10.1.2.3/33"), u32(3)))).toBe("EINVAL");
    expect(errorName(map.update(prefix("10.1.2.3/24"), u32(4)))).toBe("ok");
    expect(errorName(map.update(prefix("10.1.2.3/0"), u32(5)))).toBe("ok");
    expect(errorName(map.update(prefix("10.1.2.3/32"), u32(5)))).toBe("ENOSPC");
    expect(errorName(map.update(prefix("10.0.0.0/8"), u32(9)))).toBe("ok");
    expect(errorName(map.update(prefix("10.0.0.0/9"), u32(9), BPF_EXIST))).toBe("ENOENT");
    expect(errorName(map.update(prefix("10.0.0.0/8"), u32(9), 3))).toBe("EINVAL");
    expect(errorName(map.delete(prefix("10.0.0.0/9")))).toBe("ENOENT");
    expect(errorName(map.delete(prefix("10.0.0.0/33")))).toBe("EINVAL");
    expect(errorName(map.lookupAndDelete(prefix("10.0.0.0/8"), new Uint8Array(4)))).toBe("ENOTSUPP");
    // Host bits stay in the keys that are walked.
    expect(keysOf(map)).toEqual([prefix("10.1.2.3/24"), prefix("10.0.0.0/8"), prefix("10.1.2.3/0")]);
  });

  it("keeps a node's value readable while a run lasts, and uses its memory again afterwards", () => {
    const core = newCore();
    const map = trie(8, 10, core);
    const key = core.memory.allocBytes(prefix("10.0.0.1/32"));
    map.update(prefix("10.0.0.1/32"), u32(11));
    core.enterRun();
    const before = core.functions.lookup(map.address, key);
    for (let round = 0; round < 100; round++) map.update(prefix("10.0.0.1/32"), u32(round));
    expect(core.memory.u32[before >>> 2]).toBe(11);
    core.leaveRun();
    const { memoryBytes } = map;
    for (let round = 0; round < 10_000; round++) map.update(prefix("10.0.0.1/32"), u32(round));
    expect(map.memoryBytes).toBe(memoryBytes);
  });
});
