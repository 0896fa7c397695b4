import { describe, expect, it } from "vitest";
import { EBADF } from "../abi/index.js";
import { createMap } from "./create-map.js";
import type { LiveMap } from "./live-map.js";
import type { PerfEventArrayMap } from "./perf-event-array-map.js";
import type { MapReferences } from "./references.js";
import { errorName, newCore, newMap, u32 } from "./testing/fixture.js";

function setup() {
  const core = newCore();
  const counts = new Map<number, number>();
  const change = (what: number, by: number) => counts.set(what, (counts.get(what) ?? 0) + by);
  const maps = new Map<number, LiveMap>();
  const references: MapReferences = {
    acquireMap: (fd) => {
      const map = maps.get(fd);
      if (map !== undefined) change(map.address, 1);
      return map ?? -EBADF;
    },
    releaseMap: (map) => change(map.address, -1),
    acquire: (_, __, { target }) => {
      if (target > 100) return -EBADF;
      change(target, 1);
      return { handle: target, id: target + 1000 };
    },
    release: (_, handle) => change(handle, -1),
  };
  const held = () => [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { core, references, maps, held };
}

describe("prog array", () => {
  it("holds handles, shows ids, and gives references up", () => {
    const { core, references, held } = setup();
    const map = createMap(core, { type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4 }, { references });
    expect(map.update(u32(1), u32(7))).toBe(0);
    expect(map.update(u32(1), u32(8))).toBe(0);
    expect(map.update(u32(2), u32(9))).toBe(0);
    expect(errorName(map.update(u32(3), u32(200)))).toBe("EBADF");
    const id = new Uint8Array(4);
    expect(map.lookup(u32(1), id)).toBe(0);
    expect(id).toEqual(u32(1008));
    expect(held()).toBe(2);
    expect(map.delete(u32(2))).toBe(0);
    expect(held()).toBe(1);
    map.close();
    expect(held()).toBe(0);
  });
});

describe("maps of maps", () => {
  it.each(["array_of_maps", "hash_of_maps"] as const)("%s: programs find the inner map's header", (type) => {
    const { core, references, maps, held } = setup();
    const inner = newMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 2 }, core);
    const other = newMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 2 }, core);
    maps.set(5, inner).set(6, other);
    const map = createMap(core, { type, keySize: 4, valueSize: 4, maxEntries: 4 }, { references, inner });
    expect(map.update(u32(1), u32(5))).toBe(0);
    expect(errorName(map.update(u32(1), u32(6)))).toBe("EINVAL");
    expect(errorName(map.update(u32(1), u32(7)))).toBe("EBADF");
    const key = core.memory.allocBytes(u32(1));
    const missing = core.memory.allocBytes(u32(2));
    expect(core.functions.lookup(map.address, key)).toBe(inner.address);
    expect(core.functions.lookup(map.address, missing)).toBe(0);
    const id = new Uint8Array(4);
    expect(map.lookup(u32(1), id)).toBe(0);
    expect(id).toEqual(u32(inner.id));
    expect(held()).toBe(1);
    map.close();
    expect(held()).toBe(0);
  });

  it("don't nest, and need a map to take the shape from", () => {
    const { core, references } = setup();
    const attributes = { type: "array_of_maps", keySize: 4, valueSize: 4, maxEntries: 4 } as const;
    const inner = newMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 2 }, core);
    const outer = createMap(core, attributes, { references, inner });
    const progs = newMap({ type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4 }, core);
    expect(() => createMap(core, attributes, { references, inner: outer })).toThrow("EINVAL");
    expect(() => createMap(core, attributes, { references, inner: progs })).toThrow("ENOTSUPP");
    expect(() => createMap(core, attributes)).toThrow("EBADF");
  });
});

describe("redirect maps", () => {
  it("show programs their entries", () => {
    const { core, references } = setup();
    for (const type of ["devmap", "devmap_hash", "cpumap"] as const) {
      const map = createMap(core, { type, keySize: 4, valueSize: 8, maxEntries: 2 }, { references });
      expect(map.update(u32(1), u32(3, 0))).toBe(0);
      const key = core.memory.allocBytes(u32(1));
      const entry = core.functions.lookup(map.address, key);
      expect(core.memory.copy(entry, 8)).toEqual(u32(3, 1003));
      const missing = core.memory.allocBytes(u32(0));
      expect(core.functions.lookup(map.address, missing)).toBe(0);
    }
  });
});

describe("perf event array", () => {
  it("delivers events of a CPU to that CPU's reader", () => {
    const { core, references } = setup();
    const attributes = { type: "perf_event_array", keySize: 4, valueSize: 4, maxEntries: 2 } as const;
    const map = createMap(core, attributes, { references }) as PerfEventArrayMap;
    const seen: string[] = [];
    expect(map.open(0, (event, cpu) => seen.push(`${cpu}:${event.join()}`))).toBe(0);
    expect(errorName(map.open(0, () => {}))).toBe("EBUSY");
    expect(errorName(map.open(2, () => {}))).toBe("E2BIG");
    expect(errorName(map.output(0xffff_ffff, 0, new Uint8Array([1, 2])))).toBe("ok");
    expect(errorName(map.output(0, 0, new Uint8Array([3])))).toBe("ok");
    expect(errorName(map.output(0, 1, new Uint8Array([4])))).toBe("EOPNOTSUPP");
    expect(errorName(map.output(1, 1, new Uint8Array([5])))).toBe("ENOENT");
    expect(errorName(map.output(2, 1, new Uint8Array([6])))).toBe("E2BIG");
    map.shut(0);
    expect(errorName(map.output(0, 0, new Uint8Array([7])))).toBe("ENOENT");
    expect(seen).toEqual(["0:1,2", "0:3"]);
  });
});
