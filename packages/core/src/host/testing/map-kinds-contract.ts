import { describe, expect, it } from "vitest";
import type { BpfMap } from "../index.js";
import type { HostUnderTest } from "./host-under-test.js";
import { assembleProgram } from "./program-case.js";
import { errnoOf, mapSpec, u32, u64 } from "./specs.js";

const BPF_EXIST = 2;
const BPF_F_NO_PREALLOC = 1;

/** An LPM key: prefix length, then the address in network order. */
const prefix = (length: number, ...address: number[]) => Uint8Array.of(...u32(length), ...address);

/** Maps of other kinds than arrays and hashes, as user space sees them. */
export function mapKindsContract(host: HostUnderTest): void {
  describe("a per-CPU hash", () => {
    it("holds a value for each CPU and key", () => {
      using map = host().createMap(mapSpec("percpu_hash"));
      const values = Array.from({ length: host().cpus }, (_, cpu) => u64(cpu + 1));
      map.updatePerCpu(3, values);
      expect(map.lookupPerCpu(3)).toEqual(values);
      expect(map.lookupPerCpu(4)).toBeUndefined();
      expect([...map.perCpuEntries()]).toEqual([[u32(3), values]]);
      expect(map.delete(3)).toBe(true);
    });
  });

  describe("an LRU hash", () => {
    it("makes room instead of being full", () => {
      using map = host().createMap(mapSpec("lru_hash", { maxEntries: 8 }));
      for (let key = 0; key < 100; key++) map.update(key, key);
      const kept = [...map.entries()];
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.length).toBeLessThanOrEqual(8);
      expect(map.lookup(99)).toEqual(u64(99));
    });
  });

  describe("a trie", () => {
    const create = () => host().createMap(mapSpec("lpm_trie", { keySize: 8, flags: BPF_F_NO_PREALLOC }));

    it("finds the longest prefix", () => {
      using map = create();
      map.update(prefix(8, 10, 0, 0, 0), 8);
      map.update(prefix(24, 10, 1, 2, 0), 24);
      expect(map.lookup(prefix(32, 10, 1, 2, 3))).toEqual(u64(24));
      expect(map.lookup(prefix(32, 10, 1, 3, 3))).toEqual(u64(8));
      expect(map.lookup(prefix(32, 11, 1, 3, 3))).toBeUndefined();
      expect(map.delete(prefix(24, 10, 1, 2, 0))).toBe(true);
      expect(map.lookup(prefix(32, 10, 1, 2, 3))).toEqual(u64(8));
    });

    it("walks from the longest prefixes to the shortest", () => {
      using map = create();
      for (const [length, third] of [
        [8, 0],
        [16, 1],
        [24, 2],
      ] as const) {
        map.update(prefix(length, 10, 1, third, 0), length);
      }
      expect([...map.keys()].map((key) => (key as Uint8Array)[0])).toEqual([24, 16, 8]);
    });

    it("wants prefixes that fit, and the flag", () => {
      using map = create();
      expect(errnoOf(() => map.update(prefix(33, 10, 0, 0, 0), 1))).toBe("EINVAL");
      expect(
        errnoOf(() =>
          host()
            .createMap(mapSpec("lpm_trie", { keySize: 8 }))
            .close(),
        ),
      ).toBe("EINVAL");
    });
  });

  describe("queues and stacks", () => {
    const create = (type: "queue" | "stack") => host().createMap(mapSpec(type, { keySize: 0, maxEntries: 2 }));

    it("give back in their order", () => {
      for (const type of ["queue", "stack"] as const) {
        using map = create(type);
        expect(map.pop()).toBeUndefined();
        map.push(1);
        map.push(2);
        expect(errnoOf(() => map.push(3))).toBe("E2BIG");
        map.push(3, BPF_EXIST);
        expect(map.peek()).toEqual(u64(type === "queue" ? 2 : 3));
        expect([map.pop(), map.pop(), map.pop()]).toEqual(
          type === "queue" ? [u64(2), u64(3), undefined] : [u64(3), u64(2), undefined],
        );
      }
    });
  });

  describe("maps of maps", () => {
    const create = (type: "array_of_maps" | "hash_of_maps", inner = mapSpec("hash")) =>
      host().createMap(mapSpec(type, { valueSize: 4, maxEntries: 2, inner }));

    it("take maps of their template's kind, and tell their ids", () => {
      for (const type of ["array_of_maps", "hash_of_maps"] as const) {
        using outer = create(type);
        using inner = host().createMap(mapSpec("hash"));
        using other = host().createMap(mapSpec("hash", { valueSize: 16 }));
        outer.update(1, inner);
        expect(outer.lookup(1)).toEqual(u32(inner.info.id));
        expect(errnoOf(() => outer.update(0, other))).toBe("EINVAL");
        expect(outer.delete(1)).toBe(true);
        expect(outer.lookup(1)).toBeUndefined();
      }
    });

    it("keep inner maps whose handles are closed", async () => {
      using outer = create("array_of_maps");
      const inner = host().createMap(mapSpec("hash"));
      inner.update(7, 70);
      outer.update(0, inner);
      inner.close();
      using program = await host().loadProgram(
        assembleProgram(
          "xdp",
          `*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[outer]; call bpf_map_lookup_elem
           if r0 == 0 goto 1f
           *(u32 *)(r10 - 4) = 7; r2 = r10; r2 += -4; r1 = r0; call bpf_map_lookup_elem
           if r0 == 0 goto 1f
           r0 = *(u64 *)(r0 + 0)
        1: exit`,
          { maps: { outer: mapSpec("array_of_maps", { valueSize: 4, inner: mapSpec("hash") }) } },
        ),
        { maps: { outer } },
      );
      expect(program.testRun({ data: new Uint8Array(60) }).retval).toBe(70);
    });
  });

  describe("a prog array", () => {
    const maps = { programs: mapSpec("prog_array", { valueSize: 4, maxEntries: 2 }) };
    const jump = "r2 = map[programs]; r3 = 1; call bpf_tail_call; r0 = 9; exit";
    const load = (source: string, programs?: BpfMap, type: "xdp" | "sched_cls" = "xdp") =>
      host().loadProgram(assembleProgram(type, source, { maps }), programs === undefined ? {} : { maps: { programs } });

    it("leads tail calls to its programs, and past empty slots", async () => {
      using programs = host().createMap(maps.programs);
      using caller = await load(jump, programs);
      const callee = await load("r0 = 5; exit");
      expect(caller.testRun({ data: new Uint8Array(60) }).retval).toBe(9);
      programs.update(1, callee);
      expect(programs.lookup(1)).toEqual(u32(callee.id));
      // The slot holds the program.
      callee.close();
      expect(caller.testRun({ data: new Uint8Array(60) }).retval).toBe(5);
      programs.delete(1);
      expect(caller.testRun({ data: new Uint8Array(60) }).retval).toBe(9);
      expect(programs.delete(1)).toBe(false);
    });

    it("takes programs of one type, and no others", async () => {
      using programs = host().createMap(maps.programs);
      using caller = await load(jump, programs);
      using tc = await load("r0 = 0; exit", undefined, "sched_cls");
      expect(errnoOf(() => programs.update(1, tc))).toBe("EINVAL");
      expect(errnoOf(() => programs.update(2, caller))).toBe("E2BIG");
      expect(errnoOf(() => programs.update(0, programs))).toBe("EINVAL");
    });
  });
}
