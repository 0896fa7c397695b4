import { describe, expect, it } from "vitest";
import { isMapType, type MapType } from "../abi/index.js";
import type { MapSpec, ObjectSpec } from "../spec/index.js";
import { readObject } from "./index.js";
import { fixture } from "./testing/fixtures.js";

function read(name: string): ObjectSpec {
  return readObject(fixture(name), { name: `${name.split(".")[0]}.bpf.o` });
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

describe("maps of .maps", () => {
  it.each(["maps.clang-14", "maps.clang-19", "maps.clang-22", "maps.big-endian"])(
    "%s: reads every attribute",
    (name) => {
      const { maps, btf } = read(name);
      const shape = (key: string) => {
        const { type, keySize, valueSize, maxEntries, flags, numaNode, mapExtra, pinning } = maps.get(key)!;
        return [type, keySize, valueSize, maxEntries, flags, numaNode, mapExtra, pinning];
      };
      expect(shape("flows")).toEqual(["hash", 12, 16, 1024, 1, 0, 0n, "by_name"]);
      expect(shape("totals")).toEqual(["percpu_array", 4, 16, 5, 0, 0, 0n, "none"]);
      expect(shape("seen")).toEqual(["bloom_filter", 0, 4, 100, 0, 0, 3n, "none"]);
      expect(shape("seen_too")).toEqual(["bloom_filter", 0, 4, 100, 0, 0, 4n, "none"]);
      expect(shape("events")).toEqual(["perf_event_array", 4, 4, 0, 0, 0, 0n, "none"]);
      expect(shape("ring")).toEqual(["ringbuf", 0, 0, 65536, 0, 0, 0n, "none"]);
      const { keyTypeId, valueTypeId } = maps.get("flows")!;
      expect([btf!.name(keyTypeId), btf!.name(valueTypeId)]).toEqual(["flow", "counter"]);
      expect([...maps.values()].every(({ type }) => isMapType(type))).toBe(true);
    },
  );

  it("reads maps of maps with their initial maps, and prog arrays with their programs", () => {
    const { maps } = read("maps.clang-19");
    expect(maps.get("by_index")!.contents).toEqual([
      { key: u32(0), value: { map: "first" } },
      { key: u32(3), value: { map: "second" } },
    ]);
    expect(maps.get("by_index")!.inner).toMatchObject({ type: "array", keySize: 4, valueSize: 8, maxEntries: 4 });
    expect(maps.get("by_name")!.inner).toMatchObject({ type: "hash", keySize: 2, valueSize: 1, maxEntries: 2 });
    expect(maps.get("next")!.contents).toEqual([
      { key: u32(1), value: { program: "drop" } },
      { key: u32(3), value: { program: "pass" } },
    ]);
  });

  it("reads a NUMA node", () => {
    expect(read("numa.clang-19").maps.get("far")).toMatchObject({ flags: 4, numaNode: 3 });
  });

  it("refers to maps from programs", () => {
    const { references } = read("maps.clang-14").programs.get("count")!;
    expect(references.every(({ kind }) => kind === "map")).toBe(true);
    expect(references.map((each) => "map" in each && each.map)).toEqual([
      ...["totals", "flows", "by_index", "seen", "seen_too", "events", "ring", "next", "by_name"],
    ]);
  });
});

describe("legacy maps", () => {
  it.each(["legacy-maps.clang-14", "legacy-maps.clang-22"])("%s: reads five words", (name) => {
    const { maps, programs } = read(name);
    expect([...maps.values()]).toMatchObject([
      { name: "counters", type: "percpu_hash", keySize: 4, valueSize: 8, maxEntries: 256, flags: 1, pinning: "none" },
      { name: "ports", type: "devmap", keySize: 4, valueSize: 4, maxEntries: 64, flags: 0, pinning: "none" },
    ]);
    expect(programs.get("count")!.references).toMatchObject([{ map: "counters" }, { map: "ports" }]);
  });

  it.each(["elf-maps.clang-14", "elf-maps.clang-19"])("%s: reads iproute2's ids, namespaces and tail calls", (name) => {
    const { maps, programs } = read(name);
    expect([...maps.values()].map(({ name, pinning }) => [name, pinning])).toEqual([
      ["calls", "object"],
      ["shared", "global"],
      ["inner", "none"],
      ["outer", "none"],
    ]);
    expect(maps.get("outer")!.inner).toBe(maps.get("inner"));
    expect(maps.get("outer")!.contents).toEqual([{ key: u32(3), value: { map: "inner" } }]);
    expect(maps.get("calls")!.contents).toEqual([
      { key: u32(5), value: { program: "fifth" } },
      { key: u32(6), value: { program: "sixth" } },
    ]);
    // The tail-call sections say no type; a prog array has the type of what calls it.
    expect([...programs.values()].map(({ type }) => type)).toEqual(["sched_cls", "sched_cls", "sched_cls"]);
  });

  it("takes types of keys and values from iproute2's annotation", () => {
    const { maps, btf } = read("elf-maps.clang-19");
    const { keyTypeId, valueTypeId } = maps.get("shared")!;
    expect([btf!.name(keyTypeId), btf!.name(valueTypeId)]).toEqual(["__u32", "__u64"]);
  });

  it("reads aya's seven words, the last of which is its own kind of pinning", () => {
    const { maps } = read("aya-maps.clang-22");
    expect([...maps.values()].map(({ name, type, pinning }) => [name, type, pinning])).toEqual([
      ["PACKETS", "percpu_array", "none"],
      ["BLOCKED", "hash", "by_name"],
    ]);
  });

  it("reads the kernel samples' inner map by position and NUMA node", () => {
    const { maps } = read("sample-maps.clang-19");
    expect(maps.get("outer")!.inner).toBe(maps.get("inner"));
    expect(maps.get("inner")).toMatchObject({ type: "lru_hash", numaNode: 1, pinning: "none" });
  });
});

describe("externs", () => {
  it.each(["externs.clang-14", "externs.clang-19", "externs.clang-22"])("%s: lays out .kconfig", (name) => {
    const { maps, kconfig } = read(name);
    expect(kconfig.map(({ name, offset, size, weak }) => [name, offset, size, weak])).toEqual([
      ["CONFIG_NO_SUCH_THING", 0, 8, true],
      ["CONFIG_HZ", 8, 4, false],
      ["CONFIG_IPV6", 12, 4, true],
      ["LINUX_KERNEL_VERSION", 16, 4, false],
      ["CONFIG_BPF_SYSCALL", 20, 1, false],
      ["CONFIG_CC_VERSION_TEXT", 21, 32, true],
    ]);
    expect(maps.get(".kconfig")).toMatchObject({ name: "externs.kconfig", valueSize: 53, freeze: true, maxEntries: 1 });
  });

  it("tells symbols with and without a type, functions, and weak ones", () => {
    const { programs, btf } = read("externs.clang-19");
    const symbols = programs.get("ask")!.references.flatMap((each) => {
      if (each.kind !== "ksym" && each.kind !== "kfunc") return [];
      return [[each.kind, each.name, each.weak, each.typeId === 0 ? "" : btf!.type(each.typeId).kind]];
    });
    expect(symbols).toEqual([
      ["ksym", "no_such_variable", true, "const"],
      ["ksym", "runqueues", true, ""],
      ["ksym", "schedule", false, ""],
      ["ksym", "bpf_no_such_function", true, "func"],
      ["kfunc", "bpf_no_such_function", true, "func"],
      ["kfunc", "bpf_task_from_pid", false, "func"],
      ["kfunc", "bpf_task_release", false, "func"],
    ]);
  });
});

describe("struct_ops", () => {
  it.each(["struct-ops.clang-19", "struct-ops.clang-22"])("%s: links members to programs", (name) => {
    const { maps, programs } = read(name);
    const { structOps, contents, valueSize } = maps.get("timid")!;
    expect(structOps).toMatchObject({
      typeName: "tcp_congestion_ops___small",
      link: false,
      functions: [
        { member: "ssthresh", offset: 0, program: "slow_start" },
        { member: "cong_avoid", offset: 8, program: "avoid" },
        { member: "undo_cwnd", offset: 16, program: "undo" },
      ],
    });
    expect(valueSize).toBe(48);
    expect(contents[0]!.value).toEqual(
      Uint8Array.from([...Array(24).fill(0), ...Buffer.from("tsbpf_timid\0\0\0\0\0"), 3, 0, 0, 0, 0, 0, 0, 0]),
    );
    expect(maps.get("bold")).toMatchObject({ flags: 1 << 13, structOps: { link: true } });
    expect(programs.get("avoid")!.attachTo).toBe("tcp_congestion_ops/cong_avoid");
  });
});

describe("arenas", () => {
  it.each(["arena.clang-19", "arena.clang-22"])("%s: start with the object's arena variables", (name) => {
    const { maps, variables, programs } = read(name);
    const arena: MapSpec = maps.get("arena")!;
    expect([arena.type satisfies MapType, arena.dataSection]).toEqual(["arena", ".addr_space.1"]);
    expect([...variables.get("hits")!.get()]).toEqual([3, 0, 0, 0]);
    expect(programs.get("touch")!.references).toMatchObject([
      { kind: "map_value", map: "arena", offset: 0 },
      { kind: "map_value", map: "arena", offset: 4 },
    ]);
  });
});
