import { describe, expect, it } from "vitest";
import type { HostUnderTest } from "./host-under-test.js";
import { errnoOf, mapSpec, u32, u64 } from "./specs.js";

const BPF_NOEXIST = 1;
const BPF_EXIST = 2;

export function hashMapContract(host: HostUnderTest): void {
  describe("a hash map", () => {
    it("stores, replaces and deletes", () => {
      using map = host().createMap(mapSpec("hash"));
      expect(map.lookup(7)).toBeUndefined();
      map.update(7, 1);
      map.update(7, 2);
      map.update(8, 3);
      expect(map.lookup(7)).toEqual(u64(2));
      expect([...map.keys()].map((key) => (key as Uint8Array)[0]).sort()).toEqual([7, 8]);
      expect(map.delete(7)).toBe(true);
      expect(map.delete(7)).toBe(false);
      expect([...map]).toEqual([[u32(8), u64(3)]]);
    });

    it("honours BPF_NOEXIST, BPF_EXIST and refuses other flags", () => {
      using map = host().createMap(mapSpec("hash"));
      expect(errnoOf(() => map.update(1, 1, BPF_EXIST))).toBe("ENOENT");
      map.update(1, 1, BPF_NOEXIST);
      expect(errnoOf(() => map.update(1, 2, BPF_NOEXIST))).toBe("EEXIST");
      map.update(1, 3, BPF_EXIST);
      expect(map.lookup(1)).toEqual(u64(3));
      expect(errnoOf(() => map.update(1, 1, 3))).toBe("EINVAL");
      expect(errnoOf(() => map.update(1, 1, 8))).toBe("EINVAL");
    });

    it("is full at max_entries, but replaces still", () => {
      using map = host().createMap(mapSpec("hash", { maxEntries: 3 }));
      for (let key = 0; key < 3; key++) map.update(key, key);
      expect(errnoOf(() => map.update(3, 3))).toBe("E2BIG");
      map.update(2, 9);
      expect(map.lookup(2)).toEqual(u64(9));
      map.delete(0);
      map.update(3, 3);
      expect(map.lookup(3)).toEqual(u64(3));
    });

    it("looks up and deletes in one step", () => {
      using map = host().createMap(mapSpec("hash"));
      map.update(5, 50);
      expect(map.lookupAndDelete(5)).toEqual(u64(50));
      expect(map.lookupAndDelete(5)).toBeUndefined();
    });

    it("walks keys to the end, and from the start after an unknown key", () => {
      using map = host().createMap(mapSpec("hash"));
      expect(map.raw.nextKey()).toBeUndefined();
      for (let key = 0; key < 10; key++) map.update(key, key);
      const first = map.raw.nextKey();
      expect(map.raw.nextKey(u32(999))).toEqual(first);
      expect(new Set([...map.keys()].map((key) => (key as Uint8Array)[0])).size).toBe(10);
    });

    it("updates and deletes in batches", () => {
      using map = host().createMap(mapSpec("hash"));
      const keys = new Uint8Array([...u32(1), ...u32(2), ...u32(3)]);
      const values = new Uint8Array([...u64(10), ...u64(20), ...u64(30)]);
      expect(map.raw.updateBatch(keys, values, 3)).toBe(3);
      expect(map.lookup(2)).toEqual(u64(20));
      expect(map.raw.deleteBatch(keys, 2)).toBe(2);
      expect([...map]).toEqual([[u32(3), u64(30)]]);
    });

    it("refuses sizes and flags that make no map", () => {
      const create = (changes: Parameters<typeof mapSpec>[1]) => () =>
        host().createMap(mapSpec("hash", changes)).close();
      expect(errnoOf(create({ keySize: 0 }))).toBe("EINVAL");
      expect(errnoOf(create({ valueSize: 0 }))).toBe("EINVAL");
      expect(errnoOf(create({ maxEntries: 0 }))).toBe("EINVAL");
      expect(errnoOf(create({ flags: 0x4000_0000 }))).toBe("EINVAL");
    });

    it("takes no writes once frozen, and nothing once closed", () => {
      const map = host().createMap(mapSpec("hash"));
      map.update(1, 1);
      map.freeze();
      expect(errnoOf(() => map.update(1, 2))).toBe("EPERM");
      expect(errnoOf(() => map.delete(1))).toBe("EPERM");
      expect(map.lookup(1)).toEqual(u64(1));
      map.close();
      map.close();
      expect(errnoOf(() => map.lookup(1))).toBe("EBADF");
    });
  });
}
