import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_NOEXIST } from "../abi/index.js";
import { errorName, newMap, u32 } from "./testing/fixture.js";

const value = new Uint8Array(4);

describe.each(["queue", "stack"] as const)("%s", (type) => {
  const take = type === "queue" ? (all: number[]) => all.shift() : (all: number[]) => all.pop();

  it("keeps its order through many rounds", () => {
    const map = newMap({ type, keySize: 0, valueSize: 4, maxEntries: 5 });
    const model: number[] = [];
    for (let step = 0; step < 500; step++) {
      if ((step * 7) % 5 < 3) {
        expect(errorName(map.update(undefined, u32(step)))).toBe(model.length === 5 ? "E2BIG" : "ok");
        if (model.length < 5) model.push(step);
      } else {
        const expected = take(model);
        expect(errorName(map.lookupAndDelete(undefined, value))).toBe(expected === undefined ? "ENOENT" : "ok");
        if (expected !== undefined) expect(value).toEqual(u32(expected));
      }
    }
  });

  it("drops the oldest with BPF_EXIST", () => {
    const map = newMap({ type, keySize: 0, valueSize: 4, maxEntries: 2 });
    for (const at of [1, 2, 3, 4]) expect(map.update(undefined, u32(at), BPF_EXIST)).toBe(0);
    const popped = [0, 1].map(() => (map.lookupAndDelete(undefined, value) === 0 ? value[0] : undefined));
    expect(popped).toEqual(type === "queue" ? [3, 4] : [4, 3]);
  });

  it("answers as the kernel does", () => {
    const map = newMap({ type, keySize: 0, valueSize: 4, maxEntries: 2 });
    expect(errorName(map.lookup(undefined, value))).toBe("ENOENT");
    for (const flags of [BPF_NOEXIST, 3, 4, 8]) expect(errorName(map.update(undefined, value, flags))).toBe("EINVAL");
    expect(errorName(map.update(u32(0), value))).toBe("EINVAL");
    expect(errorName(map.delete(undefined))).toBe("EINVAL");
    expect(errorName(map.nextKey(undefined, value))).toBe("EINVAL");
    expect(errorName(map.lookup(undefined, value, 1))).toBe("EINVAL");
  });
});

describe("Bloom filter", () => {
  it("knows all that was added and little else", () => {
    const map = newMap({ type: "bloom_filter", keySize: 0, valueSize: 4, maxEntries: 1000, mapExtra: 3n });
    for (let at = 0; at < 1000; at++) expect(map.update(undefined, u32(at))).toBe(0);
    for (let at = 0; at < 1000; at++) expect(map.lookup(undefined, u32(at))).toBe(0);
    let wrong = 0;
    for (let at = 1000; at < 11_000; at++) if (map.lookup(undefined, u32(at)) === 0) wrong++;
    // 3 functions at 4.1 to 8.2 bits an entry: 1 to 15 % false positives.
    expect(wrong).toBeLessThan(1500);
  });

  it("answers as the kernel does", () => {
    const map = newMap({ type: "bloom_filter", keySize: 0, valueSize: 4, maxEntries: 100 });
    expect(errorName(map.lookup(undefined, u32(1)))).toBe("ENOENT");
    expect(errorName(map.update(undefined, u32(1), BPF_NOEXIST))).toBe("EINVAL");
    expect(errorName(map.delete(undefined))).toBe("EINVAL");
    expect(errorName(map.nextKey(undefined, value))).toBe("EOPNOTSUPP");
    expect(errorName(map.lookupAndDelete(undefined, value))).toBe("ENOTSUPP");
  });
});
