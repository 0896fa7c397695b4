import { describe, expect, it } from "vitest";
import { LinearMemory, type Region } from "../wasm/index.js";
import { createMap, type MapAttributes, MapCore } from "./index.js";

class Regions {
  readonly open = new Map<number, Region>();
  add(region: Region): void {
    this.open.set(region.start, region);
  }
  remove(start: number): void {
    if (!this.open.delete(start)) throw new RangeError(`no region at ${start}`);
  }
  /** Is this byte within the accessible part of an element? */
  has(address: number, part: "value" | "key"): boolean {
    return [...this.open.values()].some((region) => {
      if (address < region.start || address >= region.start + region.length) return false;
      const within = (address - region.start) % region.stride;
      const { offset, size } = part === "value" ? region : (region.readable ?? { offset: 0, size: 0 });
      return within >= offset && within < offset + size;
    });
  }
}

const attributes = (type: MapAttributes["type"], changes: Partial<MapAttributes> = {}): MapAttributes => ({
  type,
  keySize: 4,
  valueSize: 12,
  maxEntries: 1000,
  ...changes,
});

describe("regions of maps", () => {
  it("cover exactly the values that lookups lead to, also after growth, and go with the map", () => {
    const regions = new Regions();
    const core = new MapCore({ memory: new LinearMemory(), cpus: 3, regions });
    const cases = [
      attributes("array"),
      attributes("percpu_array"),
      attributes("hash"),
      attributes("hash", { flags: 1 }),
      attributes("percpu_hash", { flags: 1 }),
      attributes("lru_hash"),
      attributes("lpm_trie", { flags: 1, keySize: 8 }),
    ];
    for (const each of cases) {
      const map = createMap(core, each);
      for (let index = 0; index < 1000; index++) {
        const key = new Uint8Array(each.keySize);
        const view = new DataView(key.buffer);
        if (each.keySize === 8) view.setUint32(0, 32, true);
        view.setUint32(each.keySize - 4, index, true);
        expect(map.update(key, new Uint8Array(map.transferSize))).toBe(0);
        const scratch = core.memory.allocBytes(key);
        const value = core.functions.lookup(map.address, scratch) >>> 0;
        core.memory.free(scratch);
        expect([regions.has(value, "value"), regions.has(value + 11, "value")], each.type).toEqual([true, true]);
        expect([regions.has(value - 1, "value"), regions.has(value + 12, "value")], each.type).toEqual([false, false]);
      }
      map.close();
      expect(regions.open.size, each.type).toBe(0);
    }
  });

  it("are read-only for BPF_F_RDONLY_PROG", () => {
    const regions = new Regions();
    const core = new MapCore({ memory: new LinearMemory(), regions });
    createMap(core, attributes("array", { flags: 1 << 7 }));
    createMap(core, attributes("array"));
    expect([...regions.open.values()].map((region) => region.writable)).toEqual([false, true]);
  });
});
