import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_F_RDONLY, BPF_F_WRONLY, BPF_NOEXIST } from "../abi/index.js";
import type { ArrayMap } from "./array-map.js";
import { errorName, keysOf, newCore, newMap, u32 } from "./testing/fixture.js";

const value = new Uint8Array(4);

describe("array", () => {
  const array = () => newMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 4 }) as ArrayMap;

  it("answers as the kernel does", () => {
    const map = array();
    expect([0, BPF_EXIST, BPF_NOEXIST, 3, 4, 8].map((flags) => errorName(map.update(u32(0), u32(1), flags)))).toEqual([
      "ok",
      "ok",
      "EEXIST",
      "EINVAL",
      "EINVAL",
      "EINVAL",
    ]);
    expect([0, 1, 3].map((flags) => errorName(map.update(u32(4), u32(1), flags)))).toEqual([
      "E2BIG",
      "E2BIG",
      "EINVAL",
    ]);
    expect(errorName(map.lookup(u32(4), value))).toBe("ENOENT");
    expect(errorName(map.lookup(u32(0), value, 4))).toBe("EINVAL");
    expect(errorName(map.delete(u32(0)))).toBe("EINVAL");
    expect(errorName(map.lookupAndDelete(u32(0), value))).toBe("ENOTSUPP");
    expect(errorName(map.lookup(undefined, value))).toBe("EFAULT");
    expect(keysOf(map)).toEqual([u32(0), u32(1), u32(2), u32(3)]);
    const next = new Uint8Array(4);
    expect(map.nextKey(u32(0xffff_ffff), next)).toBe(0);
    expect(next).toEqual(u32(0));
  });

  it("finds the entries that aren't all zeros", () => {
    const map = newMap({ type: "array", keySize: 4, valueSize: 9, maxEntries: 50 }) as ArrayMap;
    const nonZero = () => {
      const found: number[] = [];
      for (let at = map.nextNonZero(0); at >= 0; at = map.nextNonZero(at + 1)) found.push(at);
      return found;
    };
    expect(nonZero()).toEqual([]);
    for (const at of [0, 7, 8, 49]) map.update(u32(at), Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, at + 1]));
    expect(nonZero()).toEqual([0, 7, 8, 49]);
  });

  it("changes entries in place", () => {
    const map = array();
    const address = map.entryAddress(2);
    map.update(u32(2), u32(77));
    expect(map.memory.u32[address >>> 2]).toBe(77);
    expect(map.entryAddress(4)).toBe(0);
  });

  it("reads in batches whose token is the last key", () => {
    const map = array();
    for (let at = 0; at < 4; at++) map.update(u32(at), u32(at + 10));
    const token = new Uint8Array(4);
    const keys = new Uint8Array(24);
    const values = new Uint8Array(24);
    expect(map.lookupBatch(undefined, token, keys, values, 3)).toEqual({ error: 0, count: 3 });
    expect(token).toEqual(u32(2));
    expect(values.subarray(0, 12)).toEqual(u32(10, 11, 12));
    expect(map.lookupBatch(token, token.slice(), keys, values, 6)).toEqual({ error: -2, count: 1 });
    expect(map.takeBatch(undefined, token, keys, values, 1).error).toBe(-524);
    expect(map.deleteBatch(keys, 1).error).toBe(-524);
  });

  it("leaves a spin lock alone and hides it", () => {
    const fields = [{ kind: "spin_lock", offset: 4, size: 4 }] as const;
    const map = newMap({ type: "array", keySize: 4, valueSize: 12, maxEntries: 1, fields }) as ArrayMap;
    map.memory.u32[(map.entryAddress(0) >>> 2) + 1] = 5;
    expect(map.update(u32(0), u32(1, 2, 3), 4)).toBe(0);
    const all = new Uint8Array(12);
    expect(map.lookup(u32(0), all, 4)).toBe(0);
    expect(all).toEqual(u32(1, 0, 3));
    expect(map.memory.u32[(map.entryAddress(0) >>> 2) + 1]).toBe(5);
  });
});

describe("per-CPU array", () => {
  it("has an entry for each CPU", () => {
    const core = newCore(2);
    const map = newMap({ type: "percpu_array", keySize: 4, valueSize: 4, maxEntries: 3 }, core);
    expect(map.update(u32(1), u32(5, 0, 6, 0))).toBe(0);
    const key = core.memory.allocBytes(u32(1));
    core.cpu.value = 1;
    expect(core.memory.u32[core.functions.lookup(map.address, key) >>> 2]).toBe(6);
    expect(core.memory.u32[core.functions.lookup_percpu(map.address, key, 0) >>> 2]).toBe(5);
  });
});

describe("rights", () => {
  it("keeps user space out as the flags and freezing say", () => {
    const attributes = { type: "array", keySize: 4, valueSize: 4, maxEntries: 1 } as const;
    const readOnly = newMap({ ...attributes, flags: BPF_F_RDONLY });
    expect(errorName(readOnly.update(u32(0), u32(1), 77))).toBe("EPERM");
    expect(errorName(readOnly.freeze())).toBe("EPERM");
    expect(errorName(readOnly.lookup(u32(0), value))).toBe("ok");
    const writeOnly = newMap({ ...attributes, flags: BPF_F_WRONLY });
    expect(errorName(writeOnly.lookup(u32(0), value))).toBe("EPERM");
    expect(errorName(writeOnly.lookup(u32(0), value, 77))).toBe("EINVAL");
    expect(errorName(writeOnly.update(u32(0), u32(1)))).toBe("ok");
    const frozen = newMap(attributes);
    expect(errorName(frozen.freeze())).toBe("ok");
    expect(errorName(frozen.freeze())).toBe("EPERM");
    expect(errorName(frozen.update(u32(0), u32(1)))).toBe("EPERM");
    expect(errorName(frozen.lookup(u32(0), value))).toBe("ok");
    // Programs still write.
    const key = frozen.memory.allocBytes(u32(0));
    expect(frozen.core.functions.update(frozen.address, key, key, 0)).toBe(0);
  });
});

describe("creation", () => {
  it("leaves nothing behind when the memory is exhausted", () => {
    const core = newCore();
    const { blocks } = core.memory.stats;
    for (const type of ["array", "hash", "lru_percpu_hash"] as const) {
      expect(() => newMap({ type, keySize: 4, valueSize: 30_000, maxEntries: 1 << 20 }, core)).toThrow("ENOMEM");
    }
    expect(core.memory.stats.blocks).toBe(blocks);
  });
});
