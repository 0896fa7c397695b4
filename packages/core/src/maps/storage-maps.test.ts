import { describe, expect, it } from "vitest";
import { BPF_EXIST, BPF_NOEXIST, EBADF, EINVAL } from "../abi/index.js";
import { type ArenaMap, type CgroupStorageMap, createMap, type LocalStorageMap, type MapReferences } from "./index.js";
import type { StackTraceMap } from "./stack-trace-map.js";
import { errorName, keysOf, newCore, newMap, u32 } from "./testing/fixture.js";

/** File descriptors up to 9 exist; held references are counted. */
function fewDescriptors() {
  let held = 0;
  const references: MapReferences = {
    acquireMap: () => -EBADF,
    releaseMap: () => {},
    acquire: (_, __, { target }) => {
      if (target > 9) return -EBADF;
      held++;
      return { handle: target + 100, id: target + 1000 };
    },
    release: () => held--,
  };
  return { references, held: () => held };
}

describe("stack trace", () => {
  const traces = () => newMap({ type: "stack_trace", keySize: 4, valueSize: 32, maxEntries: 5 }) as StackTraceMap;
  const trace = (...words: number[]) => u32(...words.flatMap((word) => [word, 0]));

  it("gives equal traces one id and user space their words", () => {
    const map = traces();
    const id = map.store(trace(1, 2, 3), 0);
    expect(id).toBeGreaterThanOrEqual(0);
    expect(id).toBeLessThan(8);
    expect(map.store(trace(1, 2, 3), 0)).toBe(id);
    const value = new Uint8Array(32).fill(9);
    expect(map.lookup(u32(id), value)).toBe(0);
    expect(value).toEqual(trace(1, 2, 3, 0));
    expect(keysOf(map)).toEqual([u32(id)]);
    expect(map.lookupAndDelete(u32(id), value)).toBe(0);
    expect(errorName(map.lookup(u32(id), value))).toBe("ENOENT");
  });

  it("refuses another trace of the same id unless ids may be used again", () => {
    const map = traces();
    const ids = new Map<number, number>();
    let clashes = 0;
    for (let word = 1; word <= 40; word++) {
      const id = map.store(trace(word), 0);
      if (id >= 0) ids.set(id, word);
      else {
        expect(errorName(id)).toBe("EEXIST");
        clashes++;
        const replaced = map.store(trace(word), 1 << 10);
        ids.set(replaced, word);
      }
    }
    expect(clashes).toBeGreaterThan(0);
    const value = new Uint8Array(32);
    for (const [id, word] of ids) {
      map.lookup(u32(id), value);
      expect(value).toEqual(trace(word, 0, 0, 0));
    }
  });

  it("answers as the kernel does", () => {
    const map = traces();
    expect(errorName(map.update(u32(0), new Uint8Array(32)))).toBe("EINVAL");
    expect(errorName(map.delete(u32(0)))).toBe("ENOENT");
    expect(errorName(map.delete(u32(99)))).toBe("E2BIG");
    expect(errorName(map.nextKey(undefined, new Uint8Array(4)))).toBe("ENOENT");
  });
});

describe("socket maps", () => {
  it.each(["sockmap", "sockhash", "reuseport_sockarray"] as const)("%s: take descriptors, show cookies", (type) => {
    const { references, held } = fewDescriptors();
    const core = newCore();
    const map = createMap(core, { type, keySize: 4, valueSize: 8, maxEntries: 2 }, { references });
    const cookie = new Uint8Array(8);
    expect(errorName(map.update(u32(1), u32(5, 0), BPF_EXIST))).toBe("ENOENT");
    expect(errorName(map.update(u32(1), u32(5, 0), BPF_NOEXIST))).toBe("ok");
    expect(errorName(map.update(u32(1), u32(6, 0), BPF_NOEXIST))).toBe("EEXIST");
    expect(errorName(map.update(u32(1), u32(6, 0), BPF_EXIST))).toBe("ok");
    expect(errorName(map.update(u32(1), u32(10, 0)))).toBe("EBADF");
    expect(errorName(map.update(u32(1), u32(5, 1)))).toBe("EINVAL");
    expect(map.lookup(u32(1), cookie)).toBe(0);
    expect(cookie).toEqual(u32(1006, 0));
    expect(held()).toBe(1);
    const key = core.memory.allocBytes(u32(1));
    expect(core.functions.lookup(map.address, key)).not.toBe(0);
    expect(map.delete(u32(1))).toBe(0);
    expect(errorName(map.delete(u32(1)))).toBe(type === "sockmap" ? "EINVAL" : "ENOENT");
    expect(core.functions.lookup(map.address, key)).toBe(0);
    expect(held()).toBe(0);
    const narrow = createMap(core, { type, keySize: 4, valueSize: 4, maxEntries: 2 }, { references });
    expect(errorName(narrow.lookup(u32(1), cookie))).toBe("ENOSPC");
  });
});

describe("storage of sockets, tasks, inodes and cgroups", () => {
  it("is one value an owner, reached by descriptor or from programs", () => {
    const { references, held } = fewDescriptors();
    const core = newCore();
    const attributes = { type: "sk_storage", keySize: 4, valueSize: 8, maxEntries: 0, flags: 1 } as const;
    const map = createMap(core, attributes, { references }) as LocalStorageMap;
    const value = new Uint8Array(8);
    expect(map.storageOf(105)).toBe(0);
    expect(errorName(map.update(u32(5), u32(1, 2), BPF_EXIST))).toBe("ENOENT");
    expect(errorName(map.update(u32(5), u32(1, 2)))).toBe("ok");
    expect(errorName(map.update(u32(5), u32(1, 2), BPF_NOEXIST))).toBe("EEXIST");
    expect(core.memory.copy(map.storageOf(105), 8)).toEqual(u32(1, 2));
    const initial = core.memory.allocBytes(u32(7, 8));
    expect(core.memory.copy(map.storageOf(106, true, initial), 8)).toEqual(u32(7, 8));
    expect(map.lookup(u32(6), value)).toBe(0);
    expect(value).toEqual(u32(7, 8));
    expect(errorName(map.lookup(u32(10), value))).toBe("EBADF");
    expect(errorName(map.nextKey(undefined, value))).toBe("ENOTSUPP");
    expect(map.drop(106)).toBe(0);
    expect(errorName(map.lookup(u32(6), value))).toBe("ENOENT");
    expect(errorName(map.delete(u32(6)))).toBe("ENOENT");
    expect(held()).toBe(0);
  });
});

describe("cgroup storage", () => {
  it.each(["cgroup_storage", "percpu_cgroup_storage"] as const)("%s: has a value for each attachment", (type) => {
    const core = newCore(2);
    const map = newMap({ type, keySize: 16, valueSize: 8, maxEntries: 0 }, core) as CgroupStorageMap;
    const key = u32(77, 0, 1, 0);
    const value = new Uint8Array(map.transferSize);
    expect(errorName(map.lookup(key, value))).toBe("ENOENT");
    expect([0, 1, 2, 3, 4].map((flags) => errorName(map.update(key, value, flags)))).toEqual([
      "ENOENT",
      "EINVAL",
      "ENOENT",
      "EINVAL",
      "EINVAL",
    ]);
    const address = map.attach(key);
    core.cpu.value = 1;
    core.memory.u32[map.storageOf(key) >>> 2] = 5;
    expect(map.lookup(key, value)).toBe(0);
    expect(value).toEqual(type === "cgroup_storage" ? u32(5, 0) : u32(0, 0, 5, 0));
    expect(map.attach(key)).toBe(address);
    expect(keysOf(map)).toEqual([key]);
    expect(map.delete(key)).toBe(-EINVAL);
    map.detach(key);
    expect(map.storageOf(key)).toBe(0);
  });
});

describe("arena", () => {
  it("hands out runs of zeroed pages", () => {
    const core = newCore();
    const map = newMap({ type: "arena", keySize: 0, valueSize: 0, maxEntries: 8, flags: 1 << 10 }, core) as ArenaMap;
    const first = map.allocPages(3);
    expect(first).toBe(map.start);
    expect(map.allocPages(6)).toBe(0);
    expect(map.allocPages(2, first + 2 * 4096)).toBe(0);
    expect(map.allocPages(2, first + 5 * 4096)).toBe(first + 5 * 4096);
    core.memory.u8.fill(1, first, first + 3 * 4096);
    map.freePages(first + 4096, 1);
    expect([0, 1, 2, 3].map((page) => map.isAllocated(first + page * 4096 + 5))).toEqual([true, false, true, false]);
    expect(map.allocPages(1)).toBe(first + 4096);
    expect(core.memory.u8[first + 4096]).toBe(0);
    expect(errorName(map.update(undefined, new Uint8Array(0)))).toBe("EOPNOTSUPP");
    expect(errorName(map.lookup(undefined, new Uint8Array(0)))).toBe("EINVAL");
  });
});
