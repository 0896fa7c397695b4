import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.js";
import { parseBtf } from "./index.js";
import { info, type RawBtf, rawBtf } from "./testing/raw-btf.js";

// Offsets:       1    5     10  13     19
const strings = "\0int\0point\0xx\0color\0RED\0" as const;
const at = (name: string) => strings.indexOf(`\0${name}\0`) + 1;
const int = [at("int"), info("int"), 4, 0x01000020];

const everything: RawBtf = {
  strings,
  words: [
    ...int, // 1
    ...[0, info("ptr"), 4], // 2
    ...[0, info("array"), 0, 1, 1, 3], // 3
    ...[at("point"), info("struct", 3, true), 16, at("xx"), 1, 0x05000003, 0, 1, 0x20, at("int"), 2, 64], // 4
    ...[at("point"), info("union", 1), 4, at("xx"), 1, 0], // 5
    ...[at("color"), info("enum", 2, true), 4, at("RED"), 0xffffffff, at("xx"), 7], // 6
    ...[at("color"), info("fwd", 0, true), 0], // 7
    ...[at("color"), info("typedef"), 6], // 8
    ...[0, info("volatile"), 8], // 9
    ...[0, info("const"), 9], // 10
    ...[0, info("restrict"), 2], // 11
    ...[at("xx"), info("func", 1), 13], // 12
    ...[0, info("func_proto", 2), 1, at("xx"), 2, 0, 0], // 13
    ...[at("xx"), info("var"), 10, 2], // 14
    ...[at("color"), info("datasec", 1), 0, 14, 4, 4], // 15
    ...[at("xx"), info("float"), 8], // 16
    ...[at("xx"), info("decl_tag", 0, true), 4, 1], // 17
    ...[at("xx"), info("type_tag"), 1], // 18
    ...[at("color"), info("enum64", 2, true), 8, at("RED"), 0xfffffffe, 0xffffffff, at("xx"), 1, 2], // 19
  ],
};

describe("parseBtf", () => {
  it.each([true, false])("reads every kind (little-endian: %s)", (littleEndian) => {
    const btf = parseBtf(rawBtf({ ...everything, littleEndian }));
    expect(btf.littleEndian).toBe(littleEndian);
    expect(btf.length).toBe(20);
    expect(Array.from({ length: 20 }, (_, id) => btf.type(id))).toEqual([
      { kind: "void" },
      { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 },
      { kind: "ptr", type: 4 },
      { kind: "array", type: 1, indexType: 1, length: 3 },
      {
        kind: "struct",
        name: "point",
        size: 16,
        members: [
          { name: "xx", type: 1, bitOffset: 3, bitSize: 5 },
          { name: "", type: 1, bitOffset: 32, bitSize: 0 },
          { name: "int", type: 2, bitOffset: 64, bitSize: 0 },
        ],
      },
      { kind: "union", name: "point", size: 4, members: [{ name: "xx", type: 1, bitOffset: 0, bitSize: 0 }] },
      {
        kind: "enum",
        name: "color",
        size: 4,
        signed: true,
        values: [
          { name: "RED", value: -1n },
          { name: "xx", value: 7n },
        ],
      },
      { kind: "fwd", name: "color", of: "union" },
      { kind: "typedef", name: "color", type: 6 },
      { kind: "volatile", name: "", type: 8 },
      { kind: "const", name: "", type: 9 },
      { kind: "restrict", name: "", type: 2 },
      { kind: "func", name: "xx", type: 13, linkage: "global" },
      {
        kind: "func_proto",
        returns: 1,
        params: [
          { name: "xx", type: 2 },
          { name: "", type: 0 },
        ],
      },
      { kind: "var", name: "xx", type: 10, linkage: "extern" },
      { kind: "datasec", name: "color", size: 0, variables: [{ type: 14, offset: 4, size: 4 }] },
      { kind: "float", name: "xx", size: 8 },
      { kind: "decl_tag", name: "xx", type: 4, component: 1, attribute: true },
      { kind: "type_tag", name: "xx", type: 1 },
      {
        kind: "enum64",
        name: "color",
        size: 8,
        signed: true,
        values: [
          { name: "RED", value: -2n },
          { name: "xx", value: 0x200000001n },
        ],
      },
    ]);
    expect(btf.find("color")).toEqual([6, 7, 8, 15, 19]);
    expect(btf.find("color", "typedef")).toEqual([8]);
    expect(btf.find("colo")).toEqual([]);
    expect(btf.find("")).toEqual([]);
    expect([0, 1, 2, 3, 4, 9, 13, 14].map((id) => btf.size(id))).toEqual([undefined, 4, 8, 12, 16, 4, undefined, 4]);
    expect(() => btf.type(20)).toThrow("type 20 does not exist, the last is 19");
    expect(() => btf.type(-1)).toThrow(FormatError);
    expect(() => btf.kind(1.5)).toThrow(FormatError);
  });

  it("continues a base's ids and strings in split BTF", () => {
    const base = parseBtf(rawBtf({ strings, words: int }));
    const words = [strings.length, info("struct", 1), 4, at("xx"), 1, 0, 0, info("ptr"), 2];
    const module = parseBtf(rawBtf({ strings: "point___v2\0", words }), { base, section: "module" });
    expect(module.length).toBe(4);
    expect(module.firstId).toBe(2);
    expect(module.type(1)).toBe(base.type(1));
    expect(module.type(2)).toMatchObject({ kind: "struct", name: "point___v2", members: [{ name: "xx", type: 1 }] });
    expect(module.name(1)).toBe("int");
    expect(module.kind(1)).toBe("int");
    expect(module.size(2)).toBe(4);
    expect(module.find("int")).toEqual([1]);
    expect(module.find("point")).toEqual([]);
    expect(module.findFlavors("point")).toEqual([2]);
    expect(module.findFlavors("point___other", "struct")).toEqual([2]);
  });

  const hostile: [string, RawBtf, string][] = [
    ["a cut record", { words: [0, info("ptr")] }, "needs 12 bytes, 8 are left (in .BTF at byte 24)"],
    ["absurd vlen", { words: [0, info("struct", 0xffff), 4] }, "786432 bytes reaches beyond the last"],
    ["kind 0", { words: [0, 0, 0] }, "type kind 0 is unknown (in .BTF at byte 28)"],
    ["kind 20", { words: [0, 20 << 24, 0] }, "type kind 20 is unknown"],
    ["reserved bits", { words: [0, info("ptr") | 0x10000, 0] }, "reserved bits"],
    ["a name out of range", { words: [9, info("ptr"), 0] }, "there is no string at 9 (in .BTF at byte 24)"],
    ["a member's name", { words: [0, info("struct", 1), 4, 1, 0, 0] }, "no string at 1 (in .BTF at byte 36)"],
    ["a type out of range", { words: [0, info("ptr"), 2] }, "type 2 does not exist (in .BTF at byte 32)"],
    ["a member's type", { words: [0, info("struct", 1), 4, 0, 7, 0] }, "type 7 does not exist (in .BTF at byte 40)"],
    ["vlen on ptr", { words: [0, info("ptr", 1), 0] }, "vlen is 1"],
    ["an int of 33 of 32 bits", { words: [0, info("int"), 4, 33] }, "33 bits in an int of 4 bytes"],
    ["two encodings", { words: [0, info("int"), 4, 0x03000020] }, "int encoding 3"],
    ["an enum of 3 bytes", { words: [0, info("enum"), 3] }, "an enum of 3 bytes"],
    ["function linkage", { words: [0, info("func", 3), 0] }, "function linkage 3"],
    ["variable linkage", { words: [0, info("var"), 0, 3] }, "variable linkage 3"],
    ["a typedef of itself", { words: [0, info("typedef"), 1] }, "circular"],
    ["pointers in a ring", { words: [0, info("ptr"), 2, 0, info("const"), 1] }, "circular"],
    ["an array of itself", { words: [0, info("array"), 0, 1, 1, 1] }, "circular"],
    [
      "a struct in itself",
      { words: [0, info("struct", 1), 4, 0, 1, 0] },
      "type 1: contains itself (in .BTF at byte 24)",
    ],
    [
      "a struct in an array in itself",
      { words: [0, info("struct", 1), 4, 0, 2, 0, 0, info("array"), 0, 1, 1, 0] },
      "contains itself",
    ],
    [
      "an array of 2^34 bytes",
      { words: [0, info("array"), 0, 2, 2, 0xffffffff, 0, info("int"), 4, 32] },
      "type 1: an array of 17179869180 bytes",
    ],
  ];
  it.each(hostile)("refuses %s", (_, raw, message) => {
    for (const littleEndian of [true, false]) {
      const bytes = rawBtf({ ...raw, littleEndian });
      expect(() => parseBtf(bytes)).toThrow(FormatError);
      expect(() => parseBtf(bytes)).toThrow(message);
    }
  });

  it("refuses headers and strings that aren't right", () => {
    const good = rawBtf(everything);
    const broken = (change: (bytes: DataView) => void) => {
      const bytes = good.slice();
      change(new DataView(bytes.buffer));
      return () => parseBtf(bytes);
    };
    expect(() => parseBtf(new Uint8Array(0))).toThrow(FormatError);
    expect(() => parseBtf(good.subarray(0, 23))).toThrow(FormatError);
    expect(broken((v) => v.setUint8(0, 0))).toThrow("magic");
    expect(broken((v) => v.setUint8(2, 2))).toThrow("version 2");
    expect(broken((v) => v.setUint8(3, 1))).toThrow("flags");
    expect(broken((v) => v.setUint32(4, 20, true))).toThrow("a header of 20 bytes");
    expect(broken((v) => v.setUint32(4, 0xffffffff, true))).toThrow("a header of");
    expect(broken((v) => v.setUint32(8, 2, true))).toThrow("no multiple of 4");
    expect(broken((v) => v.setUint32(12, 0xfffffffc, true))).toThrow("reach beyond");
    expect(broken((v) => v.setUint32(16, 8, true))).toThrow("overlap");
    expect(broken((v) => v.setUint32(20, 0xffffffff, true))).toThrow("reach beyond");
    expect(broken((v) => v.setUint8(v.byteLength - 1, 1))).toThrow("the last string has no end");
    expect(broken((v) => v.setUint32(20, 0, true))).toThrow("no strings");
    expect(() => parseBtf(rawBtf({ words: int, strings: "int\0" }))).toThrow("the first string isn't empty");
  });

  it("refuses chains and nesting that are too long, however they are ordered", () => {
    const up = Array.from({ length: 400 }, (_, i) => [0, info("const"), i + 2]).flat();
    const down = Array.from({ length: 400 }, (_, i) => [0, info("ptr"), i]).flat();
    const nested = Array.from({ length: 400 }, (_, i) => [0, info("struct", 1), 4, 0, i, 0]).flat();
    const outward = Array.from({ length: 400 }, (_, i) => [0, info("struct", 1), 4, 0, i + 2, 0]).flat();
    expect(() => parseBtf(rawBtf({ words: [...up, ...[0, info("int"), 4, 32]] }))).toThrow("too long");
    expect(() => parseBtf(rawBtf({ words: down }))).toThrow("too long");
    expect(() => parseBtf(rawBtf({ words: nested }))).toThrow("nested too deeply");
    expect(() => parseBtf(rawBtf({ words: [...outward, ...[0, info("int"), 4, 32]] }))).toThrow("nested too deeply");
  });

  const vmlinux = "/sys/kernel/btf/vmlinux";
  it.skipIf(!existsSync(vmlinux))("reads the running kernel's (skipped without /sys/kernel/btf/vmlinux)", () => {
    const btf = parseBtf(readFileSync(vmlinux));
    const [id] = btf.find("task_struct", "struct");
    const task = btf.type(id!);
    if (task.kind !== "struct") throw new Error(task.kind);
    expect(task.members.map((member) => member.name)).toContain("pid");
    expect(btf.size(id!)).toBe(task.size);
    expect(btf.find("bpf_get_current_task", "func")).toHaveLength(1);
  });
});
