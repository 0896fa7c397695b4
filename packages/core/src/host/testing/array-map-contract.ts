import { describe, expect, it } from "vitest";
import type { HostUnderTest } from "./host-under-test.js";
import { errnoOf, mapSpec, u32, u64 } from "./specs.js";

const BPF_NOEXIST = 1;

export function arrayMapContract(host: HostUnderTest): void {
  describe("an array", () => {
    it("starts as zeros, takes updates, and keeps its elements", () => {
      using map = host().createMap(mapSpec("array", { maxEntries: 3 }));
      expect(map.lookup(2)).toEqual(u64(0));
      map.update(2, 9);
      expect(map.lookup(2)).toEqual(u64(9));
      expect(map.lookup(3)).toBeUndefined();
      expect(errnoOf(() => map.update(3, 1))).toBe("E2BIG");
      expect(errnoOf(() => map.update(1, 1, BPF_NOEXIST))).toBe("EEXIST");
      expect(errnoOf(() => map.delete(1))).toBe("EINVAL");
      expect([...map.keys()]).toEqual([u32(0), u32(1), u32(2)]);
    });

    it("wants keys of 4 bytes and some entries", () => {
      expect(
        errnoOf(() =>
          host()
            .createMap(mapSpec("array", { keySize: 8 }))
            .close(),
        ),
      ).toBe("EINVAL");
      expect(
        errnoOf(() =>
          host()
            .createMap(mapSpec("array", { maxEntries: 0 }))
            .close(),
        ),
      ).toBe("EINVAL");
    });
  });

  describe("a per-CPU array", () => {
    it("holds a value for each CPU", () => {
      using map = host().createMap(mapSpec("percpu_array", { valueSize: 4, maxEntries: 2 }));
      const values = Array.from({ length: host().cpus }, (_, cpu) => u32(cpu + 1));
      map.updatePerCpu(1, values);
      expect(map.lookupPerCpu(1)).toEqual(values);
      expect(map.lookupPerCpu(0)).toEqual(values.map(() => u32(0)));
      expect(map.raw.transferSize).toBe(8 * host().cpus);
      expect([...map.perCpuEntries()].length).toBe(2);
    });
  });
}
