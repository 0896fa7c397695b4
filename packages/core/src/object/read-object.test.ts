import { describe, expect, it } from "vitest";
import { decodeSlots } from "../isa/index.js";
import { type ObjectSpec, type ProgramSpec, requireLittleEndian } from "../spec/index.js";
import { readObject } from "./index.js";
import { fixture, fixtureNames } from "./testing/fixtures.js";

function read(name: string): ObjectSpec {
  return readObject(fixture(name), { name: `${name.split(".")[0]}.bpf.o` });
}

function program(name: string, key: string): ProgramSpec {
  return read(name).programs.get(key)!;
}

const versions = (name: string) => ["clang-14", "clang-19", "clang-22"].map((version) => `${name}.${version}`);

describe("readObject", () => {
  it("reads every object of testdata, and takes a Node Buffer without writing to it", () => {
    const names = fixtureNames();
    expect(names.length).toBeGreaterThan(25);
    for (const name of names) {
      const bytes = Buffer.from(fixture(name));
      const spec = readObject(bytes, { name });
      expect(spec.programs.size + spec.untyped.size, name).toBeGreaterThan(0);
      expect(bytes.equals(fixture(name)), name).toBe(true);
    }
  });

  it("names an object by its file up to the first dot", () => {
    expect(readObject(fixture("sections.clang-19"), { name: "/tmp/x/my-filter.bpf.o" }).name).toBe("my-filter");
    expect(readObject(fixture("sections.clang-19")).name).toBe("");
  });

  it("takes section names apart", () => {
    const { programs, untyped } = read("sections.clang-19");
    const heads = [...programs.values()].map(({ name, type, attachType, attachTo, flags, autoload }) => [
      name,
      type,
      attachType,
      attachTo,
      flags,
      autoload,
    ]);
    expect(heads).toEqual([
      ["with_frags", "xdp", "xdp_cpumap", undefined, 0x20, true],
      ["asleep", "kprobe", "trace_uprobe_multi", "/proc/self/exe:main", 0x10, true],
      ["on_tracepoint", "tracepoint", undefined, "syscalls/sys_enter_execve", 0, true],
      ["ahead_of_function", "tracing", "trace_fentry", "vfs_read", 0, true],
      ["optional", "lsm", "lsm_mac", "file_open", 0x10, false],
      ["on_connect", "cgroup_sock_addr", "cgroup_inet4_connect", undefined, 0, true],
      ["on_queue", "sched_cls", "tcx_egress", undefined, 0, true],
      ["walk", "tracing", "trace_iter", "task", 0, true],
      ["loose", "xdp", "xdp", undefined, 0, true],
    ]);
    expect([...untyped.keys()]).toEqual(["untold", "untold_too"]);
    expect(programs.get("optional")!.section).toBe("lsm.s/file_open");
  });

  it("lets the caller choose the type where the section name says none", () => {
    const bytes = fixture("no-sections.clang-19");
    expect([...readObject(bytes).untyped.keys()]).toEqual(["twice", "entry"]);
    const all = readObject(bytes, { type: "xdp" });
    expect([...all.programs.values()].map(({ name, type }) => [name, type])).toEqual([
      ["twice", "xdp"],
      ["entry", "xdp"],
    ]);
    const one = readObject(bytes, { type: ({ name }) => (name === "entry" ? "socket_filter" : undefined) });
    expect([[...one.programs.keys()], [...one.untyped.keys()]]).toEqual([["entry"], ["twice"]]);
  });

  it("reads license and version", () => {
    const { license, kernelVersion } = program("legacy-maps.clang-14", "on_write");
    expect([license, kernelVersion]).toEqual(["Dual MIT/GPL", 0x041300]);
    expect(read("no-sections.clang-19").untyped.get("entry")!.license).toBe("");
  });

  it("reads big-endian objects as their little-endian twins, and has hosts refuse them", () => {
    const [big, little] = [read("maps.big-endian"), read("maps.clang-19")];
    expect([...big.maps]).toEqual([...little.maps]);
    const [drop, same] = [big.programs.get("drop")!, little.programs.get("drop")!];
    expect(drop.insns).toEqual(same.insns);
    expect(big.byteOrder).toBe("big");
    expect(() => requireLittleEndian(big)).toThrow("compiled for big-endian");
    expect(() => requireLittleEndian(little)).not.toThrow();
  });
});

describe("linking", () => {
  it.each(versions("subprograms"))(
    "%s: puts behind each program what it reaches, once, in the order of calls",
    (name) => {
      const { programs } = read(name);
      const functions = (key: string) => programs.get(key)!.functions.map((each) => `${each.name} ${each.linkage}`);
      expect(functions("calls_all")).toEqual([
        "calls_all global",
        "global global",
        "middle static",
        "leaf static",
        "concealed static",
        "replaceable global",
      ]);
      expect(functions("calls_one")).toEqual(["calls_one global", "leaf static"]);
      expect(functions("calls_none")).toEqual(["calls_none global"]);
      expect(functions("calls_beside")).toEqual(["calls_beside global", "beside static"]);
      expect(functions("with_callbacks")).toEqual([
        "with_callbacks global",
        "add_up static",
        "leaf static",
        "never_called_twice static",
      ]);
      expect([...programs.keys()]).toEqual(["calls_all", "calls_one", "calls_none", "with_callbacks", "calls_beside"]);
      expect(programs.get("with_callbacks")!.autoload).toBe(false);
    },
  );

  it.each([...versions("subprograms"), "subprograms.bare", "subprograms.dwarf"])(
    "%s: makes every call and callback land on a function's first slot",
    (name) => {
      for (const { insns, functions, name: program } of read(name).programs.values()) {
        const starts = new Map(functions.map((each) => [each.slot, each.name]));
        const slots = decodeSlots(insns);
        const reached = new Set([program]);
        for (let slot = 0; slot < slots.length; slot++) {
          const isLoad = slots.opcode[slot] === 0x18;
          const source = slots.src[slot];
          if ((slots.opcode[slot] === 0x85 && source === 1) || (isLoad && source === 4)) {
            const target = starts.get(slot + slots.imm[slot]! + 1);
            expect(target, `${program} slot ${slot}`).toBeDefined();
            reached.add(target!);
          }
          if (isLoad) slot++;
        }
        expect([...reached].sort()).toEqual([...starts.values()].sort());
      }
    },
  );

  it.each(versions("subprograms"))("%s: moves lines with their function, and names the funcs", (name) => {
    const spec = read(name);
    const { functions, lines } = spec.programs.get("calls_all")!;
    for (const { slot, typeId, name: fn } of functions) {
      expect(spec.btf!.name(typeId)).toBe(fn);
      expect(lines.some((line) => line.slot === slot)).toBe(true);
    }
    const leaf = functions.findIndex((each) => each.name === "leaf");
    const body = lines.filter(({ slot }) => slot >= functions[leaf]!.slot && slot < functions[leaf + 1]!.slot);
    expect(body.some((line) => line.text.includes("x * 3 + bpf_get_smp_processor_id()"))).toBe(true);
    expect(lines.map((line) => line.slot)).toEqual([...new Set(lines.map((line) => line.slot))].sort((a, b) => a - b));
    expect(lines.every((line) => line.file === "./testdata/objects/subprograms.bpf.c" && line.line > 0)).toBe(true);
  });

  it("takes functions of objects without BTF for static", () => {
    const { functions, lines } = program("subprograms.bare", "calls_all");
    expect(functions.map(({ typeId, linkage }) => [typeId, linkage])).toEqual([
      [0, "global"],
      ...Array(5).fill([0, "static"]),
    ]);
    expect(lines).toEqual([]);
  });

  it("links the callback that an exception tag names", () => {
    const { functions } = program("exception.clang-19", "throws");
    expect(functions.map((each) => each.name)).toEqual(["throws", "on_throw"]);
  });

  it.each(versions("relocations"))("%s: keeps CO-RE records at their instructions", (name) => {
    const spec = read(name);
    const { coreRelocations, functions } = spec.programs.get("look")!;
    const records = coreRelocations.map(({ kind, access, typeId }) => `${kind} ${spec.btf!.name(typeId)} ${access}`);
    expect(records.sort()).toEqual([
      "enumval_value states 1",
      "field_byte_offset parent 0:1:1:0:3",
      "field_byte_offset task_struct 0:0",
      "field_byte_offset task_struct 0:1",
      "field_exists parent 0:1:1:1",
      "type_exists parent 0",
    ]);
    const inSubprogram = coreRelocations.filter(({ slot }) => slot >= functions[1]!.slot);
    expect(inSubprogram.map(({ access }) => access)).toEqual(["0:0"]);
  });
});
