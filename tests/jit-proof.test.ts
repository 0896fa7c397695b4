import { assemble } from "@tsbpf/core/isa";
import { Jit, type JitExecutable } from "@tsbpf/core/jit";
import { type ArrayMap, createMap, type LiveMap, MapCore } from "@tsbpf/core/maps";
import { type RunResult, Runtime } from "@tsbpf/core/runtime";
import { type Accepted, type VerifierMap, verify } from "@tsbpf/core/verifier";
import { describe, expect, it } from "vitest";

/** Counts in entry 1 of a map; the immediates of its lddw are the map's. */
const SOURCE = `
  *(u32 *)(r10 - 4) = 1
  r2 = r10
  r2 += -4
  r1 = map[fd:7]
  call 1
  if r0 == 0 goto out
  r1 = *(u64 *)(r0 + 0)
  r1 += 1
  *(u64 *)(r0 + 0) = r1
  r0 = r1
out:
  exit`;
const LDDW = 3;

function setUp(options: { cpus?: number; source?: string; frozen?: Uint8Array } = {}) {
  const runtime = new Runtime({ cpus: options.cpus ?? 1 });
  const { memory, cpus, cpuGlobal: cpu, regions } = runtime;
  const maps = new MapCore({ memory, cpus, cpu, regions });
  runtime.helpers.define(1, {
    name: "map_lookup_elem",
    result: "uint",
    wide: false,
    run: (map, key) => maps.functions.lookup(map, key),
  });
  const map = createMap(maps, { type: "array", keySize: 4, valueSize: 8, maxEntries: 4, name: "counts" }) as ArrayMap;
  return { runtime, maps, map, jit: new Jit(runtime, { maps }) };
}

function describeMap(map: LiveMap): VerifierMap {
  const { name, keySize, valueSize, maxEntries, flags } = map;
  return { name, type: 2, keySize, valueSize, maxEntries, flags };
}

/** The source's code as the verifier sees it, with a descriptor, and as it runs, with the map's address. */
function code(map: LiveMap, source = SOURCE) {
  const seen = assemble(source);
  const insns = seen.slice();
  new DataView(insns.buffer).setUint32(LDDW * 8 + 4, map.address, true);
  return { seen, insns };
}

function accepted(seen: Uint8Array, map: LiveMap, cpus?: number): Accepted {
  const verdict = verify(
    { insns: seen, type: "xdp", license: "GPL", maps: new Map([[7, describeMap(map)]]) },
    cpus === undefined ? {} : { cpus },
  );
  if (verdict.verdict !== "accepted") throw new Error(verdict.message);
  return verdict;
}

function executable(insns: Uint8Array, verdict: Accepted, map: LiveMap): JitExecutable {
  return { name: "count", insns, verified: true, proof: { verdict, maps: new Map([[7, map]]), type: "xdp" } };
}

describe("a verifier's word", () => {
  it("lets the program run without checks, with the same results", () => {
    const { runtime, map, jit } = setUp();
    const { seen, insns } = code(map);
    const image = jit.prepare(executable(insns, accepted(seen, map), map));
    expect(image.checked).toBe(false);
    const checked = jit.prepare({ name: "count", insns });
    expect(checked.checked).toBe(true);
    const results: RunResult[] = [image, checked, image].map((each) => runtime.test(each));
    expect(results).toEqual([1n, 2n, 3n].map((r0) => ({ kind: "exit", r0 })));
  });

  it("counts for nothing once the code is another", () => {
    const { map, jit } = setUp();
    const { seen, insns } = code(map);
    const verdict = accepted(seen, map);
    for (let at = 0; at < insns.length; at++) {
      const other = insns.slice();
      other[at] = other[at]! ^ 1;
      try {
        expect(jit.prepare(executable(other, verdict, map)).checked, `byte ${at}`).toBe(true);
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: "INVALID_PROGRAM" });
      }
    }
    expect(jit.prepare(executable(insns.subarray(8), verdict, map)).checked).toBe(true);
  });

  it("counts for nothing when it was changed in place, or given by someone else", () => {
    const { map, jit } = setUp();
    const { seen, insns } = code(map);
    const verdict = accepted(seen, map);
    seen[4] = 5;
    expect(jit.prepare(executable(insns, verdict, map)).checked).toBe(false);
    expect(jit.prepare(executable(insns, { ...verdict }, map)).checked).toBe(true);
    expect(jit.prepare({ name: "count", insns, verified: true }).checked).toBe(true);
  });

  it("counts for nothing with other maps", () => {
    const { maps, map, jit } = setUp();
    const { seen, insns } = code(map);
    const verdict = accepted(seen, map);
    const attributes = { type: "array", keySize: 4, valueSize: 8, maxEntries: 4 } as const;
    const twin = createMap(maps, attributes);
    expect(jit.prepare(executable(insns, verdict, twin)).checked, "an address of another map").toBe(true);
    expect(jit.prepare(executable(code(twin).insns, verdict, twin)).checked, "a map of the same kind").toBe(false);
    for (const change of [{ valueSize: 16 }, { maxEntries: 1 }, { type: "hash" as const }]) {
      const other = createMap(maps, { ...attributes, ...change });
      expect(jit.prepare(executable(code(other).insns, verdict, other)).checked, JSON.stringify(change)).toBe(true);
    }
    twin.close();
    expect(jit.prepare(executable(code(twin).insns, verdict, twin)).checked, "a closed map").toBe(true);
    const foreign = setUp().map;
    expect(jit.prepare(executable(code(foreign).insns, verdict, foreign)).checked, "a map elsewhere").toBe(true);
  });

  it("counts for nothing in another context, with other flags or on more CPUs", () => {
    const { map, jit } = setUp();
    const { seen, insns } = code(map);
    const verdict = accepted(seen, map);
    const proof = { verdict, maps: new Map([[7, map]]), type: "xdp" } as const;
    for (const change of [{ type: "sched_cls" }, { attachType: "xdp_cpumap" }, { flags: 32 }] as const) {
      const image = jit.prepare({ name: "count", insns, verified: true, proof: { ...proof, ...change } });
      expect(image.checked, JSON.stringify(change)).toBe(true);
    }
    const many = setUp({ cpus: 4 });
    const { insns: moved } = code(many.map);
    expect(many.jit.prepare(executable(moved, accepted(seen, many.map, 2), many.map)).checked).toBe(true);
    expect(many.jit.prepare(executable(moved, accepted(seen, many.map, 4), many.map)).checked).toBe(false);
  });

  it("that rests on a frozen map's constants counts only for these", () => {
    const { maps, jit } = setUp();
    const source = "r2 = 0\nr3 = 0\nr4 = 0\nr1 = map[fd:7][0]+0\nr0 = *(u64 *)(r1 + 0)\nexit";
    const RDONLY_PROG = 1 << 7;
    const attributes = { type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: RDONLY_PROG } as const;
    const prepare = (contents: number, freeze: boolean) => {
      const map = createMap(maps, attributes) as ArrayMap;
      map.update(new Uint8Array(4), new Uint8Array(8).fill(contents));
      if (freeze) map.freeze();
      const { seen, insns } = code(map, source);
      new DataView(insns.buffer).setUint32(LDDW * 8 + 4, map.storage, true);
      const described = { ...describeMap(map), frozen: true, contents: new Uint8Array(8).fill(3) };
      const verdict = verify({ insns: seen, type: "xdp", license: "GPL", maps: new Map([[7, described]]) });
      if (verdict.verdict !== "accepted") throw new Error(verdict.message);
      return jit.prepare(executable(insns, verdict, map)).checked;
    };
    expect(prepare(3, true)).toBe(false);
    expect(prepare(4, true)).toBe(true);
    expect(prepare(3, false)).toBe(true);
  });
});
