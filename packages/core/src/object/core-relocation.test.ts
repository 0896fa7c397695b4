import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { type Btf, BtfBuilder, type BtfType, parseBtf, type TypeId } from "../btf/index.js";
import { type CoreRelocation, type CoreRelocationKind, createProgram, type ProgramSpec } from "../spec/index.js";
import { applyCoreRelocations, POISON_HELPER, readObject, relocateForTarget } from "./index.js";

const folder = new URL("../../../../testdata/core/", import.meta.url);
const read = (name: string) => readObject(new Uint8Array(readFileSync(new URL(name, folder))));

const target = read("target.clang-22.o").btf!;

/** Slots in hexadecimal; a lddw of a map holds no file descriptor. */
function slotsOf(insns: Uint8Array): string[] {
  const slots = Buffer.from(insns).toString("hex").match(/.{16}/g) ?? [];
  return slots.map((slot, i) => {
    const map = slot.startsWith("18") && slot[2] !== "0" && !slots[i - 1]?.startsWith("18");
    return map ? `${slot.slice(0, 8)}00000000` : slot;
  });
}

describe("CO-RE relocation", () => {
  const libbpf: Record<string, Record<string, string[]>> = JSON.parse(
    readFileSync(new URL("libbpf.json", folder), "utf8"),
  );
  const recorded = Object.entries(libbpf).flatMap(([file, programs]) =>
    Object.entries(programs).map(([name, slots]) => [file, name, slots] as const),
  );

  it.each(recorded)("makes of %s's %s what libbpf makes of it", (file, name, slots) => {
    const object = read(file);
    const program = object.programs.get(name)!;
    const before = program.insns.slice();
    const relocated = applyCoreRelocations(program, object.btf!, target);
    expect(slotsOf(relocated.insns)).toEqual(slots);
    expect(relocated.coreRelocations).toEqual([]);
    expect(program.insns).toEqual(before);
  });

  const resolved = (name: string) => {
    const { programs, btf } = read("local.clang-22.o");
    const { resolutions } = relocateForTarget(programs.get(name)!, btf!, target);
    return resolutions.map((each) => [each.relocation.kind, each.description, each.value]);
  };

  it("finds fields where they moved to", () => {
    expect(resolved("offsets")).toEqual([
      ["field_byte_offset", "struct moved.id", 64n],
      ["field_byte_offset", "struct moved.cookie", 68n],
      ["field_byte_offset", "struct moved.pair.second", 80n],
      ["field_byte_offset", "struct moved.comm[3]", 11n],
      ["field_byte_offset", "struct moved.pairs[2].second", 116n],
      ["field_byte_offset", "struct moved.inside", 56n],
      ["field_byte_offset", "struct moved.bytes[1]", 49n],
      ["field_byte_offset", "struct moved.tail[5]", 226n],
      ["field_byte_offset", "struct moved[1].pair", 288n],
      ["field_byte_offset", "union choice.other", 0n],
      ["field_byte_offset", "anonymous_t.member", 8n],
    ]);
    expect(resolved("sizes")).toEqual([
      ["field_byte_size", "struct moved.id", 4n],
      ["field_byte_size", "struct moved.comm", 32n],
      ["field_byte_size", "struct moved.pairs[1]", 12n],
      ["field_byte_size", "struct moved.grows", 8n],
      ["field_byte_size", "struct moved.shrinks", 4n],
      ["field_exists", "struct moved.id", 1n],
      ["field_exists", "struct moved.gone", 0n],
      ["field_exists", "struct only_here.x", 0n],
      ["field_exists", "struct moved.pairs[3].first", 1n],
    ]);
  });

  it("reads bit fields with loads that cover them", () => {
    expect(resolved("bitfields").filter(([, description]) => description === "struct bits.negative")).toEqual([
      ["field_byte_offset", "struct bits.negative", 16n],
      ["field_byte_size", "struct bits.negative", 8n],
      ["field_lshift_u64", "struct bits.negative", 20n],
      ["field_signed", "struct bits.negative", 1n],
      ["field_rshift_u64", "struct bits.negative", 52n],
      ["field_rshift_u64", "struct bits.negative", 52n],
    ]);
  });

  it("knows types and enumerators, flavors included", () => {
    const id = (name: string) => BigInt(target.find(name)[0]!);
    expect(resolved("types").slice(1)).toEqual([
      ["type_id_target", "struct moved", id("moved")],
      ["type_id_target", "struct only_here", 0n],
      ["type_exists", "struct moved", 1n],
      ["type_exists", "struct only_here", 0n],
      ["type_exists", "union choice", 1n],
      ["type_exists", "anonymous_t", 1n],
      ["type_exists", "callback_t", 1n],
      ["type_exists", "enum color", 1n],
      ["type_size", "struct moved", BigInt(target.size(Number(id("moved")))!)],
      ["type_size", "struct only_here", 0n],
    ]);
    const { programs, btf } = read("local.clang-22.o");
    expect(resolved("types")[0]).toEqual(["type_id_local", "struct moved", BigInt(btf!.find("moved")[0]!)]);
    expect(programs.get("types")!.coreRelocations).toHaveLength(11);
    expect(resolved("enumerators")).toEqual([
      ["enumval_exists", "enum color::GREEN", 1n],
      ["enumval_exists", "enum color::LOST", 0n],
      ["enumval_value", "enum color::GREEN", 3n],
      ["enumval_value", "enum sign::MINUS", -7n],
      ["enumval_value", "enum color::LOST", undefined],
      ["enumval_value", "enum64 big::BIG", 0x300000002n],
      ["enumval_value", "enum64 big::BIGGER", 0x9000000000000002n],
    ]);
    expect(resolved("matches")).toEqual([
      ["type_matches", "struct matching", 1n],
      ["type_matches", "struct not_matching", 0n],
      ["type_matches", "struct pair", 1n],
      ["type_matches", "enum color", 0n],
      ["type_matches", "enum sign", 1n],
      ["type_matches", "callback_t", 1n],
      ["type_matches", "struct only_here", 0n],
    ]);
    expect(resolved("flavors")[0]).toEqual(["field_exists", "struct flavored___new.new_name", 1n]);
  });

  it("keeps an unsigned enumerator above 2^31 positive, which libbpf refuses", () => {
    for (const file of ["local.clang-14.o", "local.clang-22.o"]) {
      const { programs, btf } = read(file);
      const relocated = applyCoreRelocations(programs.get("unsigned_enumerator")!, btf!, target);
      expect(slotsOf(relocated.insns).slice(0, 2)).toEqual(["1801000000000090", "0000000000000000"]);
    }
  });

  it("refuses types that disagree", () => {
    const { programs, btf } = read("local.clang-22.o");
    const disputed = () => applyCoreRelocations(programs.get("disputed")!, btf!, target);
    expect(disputed).toThrow(BpfError);
    expect(disputed).toThrow(/struct twice.disputed is ambiguous: 4 by type \d+, 8 by type \d+/);
  });

  const vmlinux = "/sys/kernel/btf/vmlinux";
  it.skipIf(!existsSync(vmlinux))("relocates against the running kernel (skipped without its BTF)", () => {
    const kernel = parseBtf(readFileSync(vmlinux));
    const { programs, btf } = read("local.clang-22.o");
    const { resolutions } = relocateForTarget(programs.get("types")!, btf!, kernel);
    expect(resolutions.find((each) => each.description === "struct only_here")!.value).toBe(0n);
  });
});

describe("CO-RE relocation of programs made by hand", () => {
  const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
  const graph = (offset: number) => {
    const builder = new BtfBuilder();
    builder.add(int);
    builder.add({
      kind: "struct",
      name: "s",
      size: 8,
      members: [{ name: "x", type: 1, bitOffset: offset, bitSize: 0 }],
    });
    builder.add({ kind: "struct", name: "", size: 8, members: [{ name: "x", type: 1, bitOffset: 0, bitSize: 0 }] });
    builder.add({ kind: "ptr", type: 2 });
    return builder.build();
  };
  const local = graph(0);
  const moved = graph(32);
  const program = (
    bytes: number[],
    kind: CoreRelocationKind,
    typeId: TypeId,
    access: string,
    slot = 0,
  ): ProgramSpec => {
    const relocation: CoreRelocation = { slot, kind, typeId, access };
    return createProgram({
      name: "p",
      type: "socket_filter",
      insns: Uint8Array.from(bytes),
      coreRelocations: [relocation],
    });
  };
  const load = [0x61, 0x01, 0, 0, 0, 0, 0, 0];
  const move = [0xb7, 1, 0, 0, 0, 0, 0, 0];
  const lddw = [0x18, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

  it.each([
    ["a load", load, [0x61, 0x01, 4, 0, 0, 0, 0, 0]],
    ["a store of a register", [0x63, 0x21, 0, 0, 0, 0, 0, 0], [0x63, 0x21, 4, 0, 0, 0, 0, 0]],
    ["a store of a constant", [0x62, 1, 0, 0, 9, 0, 0, 0], [0x62, 1, 4, 0, 9, 0, 0, 0]],
    ["an immediate", move, [0xb7, 1, 0, 0, 4, 0, 0, 0]],
    ["an addition", [0x07, 1, 0, 0, 0, 0, 0, 0], [0x07, 1, 0, 0, 4, 0, 0, 0]],
    ["a 64-bit immediate", lddw, [0x18, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])("patches %s", (_, before, after) => {
    const relocated = applyCoreRelocations(program(before, "field_byte_offset", 2, "0:0"), local, moved);
    expect([...relocated.insns]).toEqual(after);
  });

  it("puts calls that the verifier refuses in place of what the target lacks, both slots of a lddw", () => {
    const builder = new BtfBuilder();
    builder.add(int);
    const call = [0x85, 0, 0, 0, ...new Uint8Array(new Uint32Array([POISON_HELPER]).buffer)];
    const without = builder.build();
    const relocate = (bytes: number[]) =>
      relocateForTarget(program(bytes, "field_byte_offset", 2, "0:0"), local, without);
    expect([...relocate(load).program.insns]).toEqual(call);
    expect([...relocate(lddw).program.insns]).toEqual([...call, ...call]);
    expect(relocate(load).resolutions[0]!.poisoned).toBe("the target has no such field or enumerator");
    expect(POISON_HELPER).toBe(195896080);
  });

  it("looks into modules only for what vmlinux lacks", () => {
    const empty = new BtfBuilder();
    empty.add(int);
    const base = empty.build();
    const module = new BtfBuilder(base);
    const id = module.add({
      kind: "struct",
      name: "s",
      size: 16,
      members: [{ name: "x", type: 1, bitOffset: 96, bitSize: 0 }],
    });
    const split = module.build();
    const spec = program(move, "field_byte_offset", 2, "0:0");
    const { resolutions } = relocateForTarget(spec, local, [base, split]);
    expect(resolutions[0]).toMatchObject({ value: 12n, targetType: id });
    expect(relocateForTarget(spec, local, [moved, split]).resolutions[0]).toMatchObject({ value: 4n, targetType: 2 });
  });

  it.each<[string, ProgramSpec, string]>([
    ["an access that is no path", program(load, "field_byte_offset", 2, "0:x"), '"0:x" is not a path'],
    ["a member that isn't there", program(load, "field_byte_offset", 2, "0:1"), "type 2 has no field 0:1"],
    ["a member of an int", program(load, "field_byte_offset", 1, "0:1"), "type 1 has no field 0:1"],
    ["a field of void", program(load, "field_byte_offset", 0, "0"), "type 0 has no field 0"],
    ["a path within a type", program(load, "type_size", 2, "0:0"), "within a type"],
    ["an enumerator of a struct", program(load, "enumval_value", 2, "0"), "no enumerator"],
    ["a path of 65 steps", program(load, "field_byte_offset", 2, "0".concat(":0".repeat(64))), "65 steps"],
    ["a type without a name", program(load, "field_byte_offset", 3, "0:0"), "type 3 has no name"],
    ["a pointer's existence", program(move, "type_exists", 4, "0"), "type 4 has no name"],
    [
      "another value than expected",
      program([...move.slice(0, 4), 1, 0, 0, 0], "field_byte_offset", 2, "0:0"),
      "holds 1",
    ],
    ["a jump", program([0x05, 0, 0, 0, 0, 0, 0, 0], "field_byte_offset", 2, "0:0"), "opcode 0x5 cannot be relocated"],
    [
      "an ALU instruction of registers",
      program([0x0f, 0x21, 0, 0, 0, 0, 0, 0], "field_byte_offset", 2, "0:0"),
      "immediate",
    ],
    ["a lddw cut in half", program(lddw.slice(0, 8), "field_byte_offset", 2, "0:0"), "not a lddw"],
    ["a slot beyond the end", program(load, "field_byte_offset", 2, "0:0", 1), "no such slot"],
  ])("refuses %s", (_, spec, message) => {
    expect(() => applyCoreRelocations(spec, local, moved)).toThrow(BpfError);
    expect(() => applyCoreRelocations(spec, local, moved)).toThrow(message);
  });

  it("decides types that contain each other many times in reasonable time", () => {
    const nested = (): Btf => {
      const builder = new BtfBuilder();
      let last = builder.add(int);
      for (let i = 0; i < 30; i++) {
        const member = (name: string) => ({ name, type: last, bitOffset: 0, bitSize: 0 });
        last = builder.add({
          kind: "union",
          name: i === 29 ? "deep" : "",
          size: 4,
          members: [member("a"), member("b")],
        });
      }
      return builder.build();
    };
    const spec = program(move, "type_matches", 31, "0");
    const started = performance.now();
    expect(
      relocateForTarget({ ...spec, insns: Uint8Array.from([0xb7, 1, 0, 0, 1, 0, 0, 0]) }, nested(), nested())
        .resolutions[0]!.value,
    ).toBe(1n);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
