import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.js";
import { assembleProgram, errnoOf, mapSpec, u32, u64 } from "../host/testing/index.js";
import { Machine } from "./index.js";

const counts = assembleProgram(
  "xdp",
  `*(u32 *)(r10 - 4) = 0
   r2 = r10
   r2 += -4
   r1 = map[hits]
   call bpf_map_lookup_elem
   if r0 == 0 goto +2
   r1 = 1
   lock *(u64 *)(r0 + 0) += r1
   r0 = 2
   exit`,
  { maps: { hits: mapSpec("array", { maxEntries: 2 }) } },
);
const frame = new Uint8Array(60);

/** A Machine with a counter, pinned, and a queue, a table of maps and a prog array beside it. */
async function original(): Promise<Machine> {
  const machine = new Machine();
  const { bpffs } = machine;
  const hits = machine.createMap(mapSpec("array", { maxEntries: 2 }));
  using program = await machine.loadProgram(counts, { maps: { hits } });
  for (let run = 0; run < 3; run++) program.testRun({ data: frame });
  bpffs.mkdir("/counter", 0o750);
  machine.pin("/counter/program", program);
  bpffs.chmod("/counter/program", 0o640);
  bpffs.chown("/counter/program", 5, 6);
  using queue = machine.createMap(mapSpec("queue", { keySize: 0 }));
  for (const value of [1n, 2n, 3n]) queue.raw.update(new Uint8Array(0), u64(value));
  machine.pin("/queue", queue);
  using tails = machine.createMap(mapSpec("prog_array", { valueSize: 4, maxEntries: 4 }));
  tails.raw.updateReference(u32(2), program);
  machine.pin("/tails", tails);
  using outer = machine.createMap(
    mapSpec("array_of_maps", { valueSize: 4, maxEntries: 2, inner: mapSpec("array", { maxEntries: 2 }) }),
  );
  outer.raw.updateReference(u32(1), hits);
  machine.pin("/outer", outer);
  hits.close();
  return machine;
}

describe("saved pins", () => {
  it("come back with programs, maps, what they hold and who may use them", async () => {
    using machine = await original();
    const saved = machine.savePins();
    using other = new Machine({ engine: "interpreter" });
    other.restorePins(saved);
    expect(other.bpffs.list().map(({ name, kind }) => [name, kind])).toEqual([
      ["counter", "directory"],
      ["outer", "map"],
      ["queue", "map"],
      ["tails", "map"],
    ]);
    expect(other.bpffs.stat("/counter")).toMatchObject({ mode: 0o750, uid: 0 });
    expect(other.bpffs.stat("/counter/program")).toMatchObject({ mode: 0o640, uid: 5, gid: 6 });
    using program = other.openProgram("/counter/program");
    expect(program.testRun({ data: frame }).retval).toBe(2);
    const [mapId] = program.info().mapIds;
    using hits = other.mapById(mapId!);
    expect(hits.lookup(0)).toEqual(u64(4));
    using outer = other.openMap("/outer");
    expect(outer.lookup(1)).toEqual(u32(mapId!));
    using tails = other.openMap("/tails");
    expect(tails.lookup(2)).toEqual(u32(program.id));
    using queue = other.openMap("/queue");
    const pop = () => queue.raw.lookupAndDelete(new Uint8Array(0));
    expect([pop(), pop(), pop(), pop()]).toEqual([u64(1n), u64(2n), u64(3n), undefined]);
    // Saving takes nothing away.
    using first = machine.openMap("/queue");
    expect(first.raw.lookupAndDelete(new Uint8Array(0))).toEqual(u64(1n));
  });

  it("come back whole or not at all", async () => {
    using machine = await original();
    const saved = machine.savePins();
    using taken = new Machine();
    using map = taken.createMap(mapSpec("array"));
    taken.pin("/queue", map);
    const before = [taken.programIds, taken.mapIds, taken.bpffs.pins];
    expect(errnoOf(() => taken.restorePins(saved))).toBe("EEXIST");
    expect([taken.programIds, taken.mapIds, taken.bpffs.pins]).toEqual(before);
    using small = new Machine({ memory: 1_900_000 });
    const room = small.runtime.memory.stats.bytes;
    small.createMap(mapSpec("array", { valueSize: 8, maxEntries: 1 })).close();
    expect(() => small.restorePins(damaged(saved))).toThrow(FormatError);
    expect([small.programIds, small.mapIds, small.bpffs.list()]).toEqual([[], [], []]);
    expect(small.runtime.memory.stats.bytes).toBe(room);
  });

  it("are refused where a byte is missing or another", async () => {
    using machine = await original();
    const saved = machine.savePins();
    using other = new Machine();
    for (let length = 0; length < saved.length; length += 97)
      expect(() => other.restorePins(saved.subarray(0, length))).toThrow(FormatError);
    for (let at = 0; at < saved.length; at += 53) {
      const changed = saved.slice();
      changed[at]! ^= 0x10;
      expect(() => other.restorePins(changed), `byte ${at}`).toThrow(FormatError);
    }
    expect(other.bpffs.list()).toEqual([]);
  });
});

function damaged(saved: Uint8Array): Uint8Array {
  const bytes = saved.slice();
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}

describe("pins", () => {
  it("leave nothing behind, a million times", () => {
    using machine = new Machine();
    using map = machine.createMap(mapSpec("array"));
    const before = machine.runtime.memory.stats;
    for (let round = 0; round < 1000; round++) {
      for (let pin = 0; pin < 1000; pin++) machine.pin(`/pin${pin}`, map);
      for (let pin = 0; pin < 1000; pin++) machine.bpffs.unlink(`/pin${pin}`);
    }
    expect(machine.bpffs.pins).toBe(0);
    expect(machine.bpffs.list()).toEqual([]);
    expect(machine.runtime.memory.stats).toEqual(before);
    map.close();
    expect(machine.mapIds).toEqual([]);
  }, 60_000);

  it("are for those whom their modes let", () => {
    using machine = new Machine();
    const { bpffs } = machine;
    const user = (uid: number) => ({ uid, gid: uid, capabilities: [] });
    const as = (uid: number, work: () => void) => machine.as(user(uid), () => errnoOf(work));
    using map = machine.createMap(mapSpec("array"));
    machine.pin("/roots", map);
    expect(as(7, () => machine.openMap("/roots"))).toBe("EACCES");
    bpffs.chmod("/roots", 0o604);
    expect(as(7, () => machine.openMap("/roots"))).toBe("EACCES");
    bpffs.chmod("/roots", 0o666);
    machine.as(user(7), () => machine.openMap("/roots")).close();
    // The root directory is sticky: anybody makes entries, and takes away none but its own.
    expect(as(7, () => bpffs.unlink("/roots"))).toBe("EPERM");
    expect(as(7, () => bpffs.rename("/roots", "/mine"))).toBe("EPERM");
    machine.as(user(7), () => bpffs.mkdir("/sevens", 0o700));
    expect(bpffs.stat("/sevens")).toEqual({ kind: "directory", uid: 7, gid: 7, mode: 0o700 });
    expect(as(8, () => bpffs.list("/sevens"))).toBe("EACCES");
    expect(as(8, () => bpffs.stat("/sevens/any"))).toBe("EACCES");
    expect(as(8, () => bpffs.chmod("/sevens", 0o777))).toBe("EPERM");
    expect(as(8, () => bpffs.rmdir("/sevens"))).toBe("EPERM");
    expect(as(7, () => bpffs.chown("/sevens", 8, 8))).toBe("EPERM");
    machine.as(user(7), () => machine.pin("/sevens/map", map));
    machine.as(user(7), () => bpffs.rename("/sevens/map", "/sevens/other"));
    machine.as(user(7), () => bpffs.unlink("/sevens/other"));
    machine.as(user(7), () => bpffs.rmdir("/sevens"));
  });
});
