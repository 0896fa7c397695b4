import { describe, expect, it } from "vitest";
import { classify, classifyInstruction, rowsOfOpcode } from "./classify.js";
import { checkEncoding } from "./encoding.js";
import type { Instruction } from "./instruction.js";
import type { InstructionRow } from "./row.js";
import { instructionTable } from "./table.js";

/** The row's encoding with 1 in every operand. */
function example(row: InstructionRow): Instruction {
  const { dst = 1, src = 1, offset = 1, imm = 1, immHigh = 1 } = row.fixed;
  const blank = { opcode: row.opcode, dst, src, offset, imm };
  return row.kind === "load_imm64" ? { ...blank, immHigh } : blank;
}

describe("instruction table", () => {
  it("leads every row's encoding back to that row", () => {
    for (const row of instructionTable) {
      expect(classifyInstruction(example(row)), row.mnemonic).toBe(row);
      expect(checkEncoding(example(row))).toBeUndefined();
    }
  });

  it("gives every mnemonic with operands once", () => {
    const names = instructionTable.map((row) => `${row.mnemonic} ${row.operands} ${row.fixed.src}`);
    expect(new Set(names).size).toBe(instructionTable.length);
  });

  it("has the RFC's instructions in the RFC's groups", () => {
    const counts: Record<string, number> = {};
    for (const row of instructionTable) counts[row.group] = (counts[row.group] ?? 0) + 1;
    expect(counts).toEqual({
      base32: 67,
      base64: 57,
      divmul32: 10,
      divmul64: 10,
      atomic32: 10,
      atomic64: 10,
      packet: 6,
      callx: 1,
      linux: 10,
    });
  });

  // Opcode, selecting field, group: read off RFC 9669 by hand, one or two of each of its tables.
  it.each([
    [0x07, 0, 0, 0, "add", "base64"],
    [0xac, 0, 0, 0, "xor32", "base32"],
    [0x3f, 0, 1, 0, "sdiv", "divmul64"],
    [0x94, 0, 1, 0, "smod32", "divmul32"],
    [0x2c, 0, 0, 0, "mul32", "divmul32"],
    [0xbc, 0, 16, 0, "movsx1632", "base32"],
    [0xbf, 0, 32, 0, "movsx3264", "base64"],
    [0xdc, 0, 0, 32, "be32", "base32"],
    [0xd4, 0, 0, 64, "le64", "base64"],
    [0xd7, 0, 0, 16, "swap16", "base32"],
    [0x06, 0, 0, 5, "ja32", "base32"],
    [0x05, 0, 5, 0, "ja", "base32"],
    [0x45, 0, 5, 1, "jset", "base64"],
    [0xde, 2, 5, 0, "jsle32", "base32"],
    [0x85, 0, 0, 1, "call", "base32"],
    [0x85, 1, 0, 1, "call local", "base32"],
    [0x85, 2, 0, 1, "call kfunc", "base32"],
    [0x95, 0, 0, 0, "exit", "base32"],
    [0x18, 6, 0, 0, "lddw", "base64"],
    [0x7b, 1, 0, 0, "stxdw", "base64"],
    [0x6a, 0, 0, 1, "sth", "base32"],
    [0x91, 1, 0, 0, "ldxsb", "base32"],
    [0xc3, 1, 0, 0xe1, "lock xchg32", "atomic32"],
    [0xdb, 1, 0, 0xf1, "lock cmpxchg", "atomic64"],
    [0xdb, 1, 0, 0x51, "lock fetch and", "atomic64"],
    [0x30, 0, 0, 1, "ldabsb", "packet"],
    [0x40, 1, 0, 1, "ldindw", "packet"],
    [0xbf, 1, 1, 1, "addr_space_cast", "linux"],
    [0xcb, 1, 0, 0x100, "load_acquireh", "linux"],
    [0xe5, 0, 1, 0, "may_goto", "linux"],
    [0x8d, 0, 0, 0, "callx", "callx"],
  ])("reads opcode %d src %d offset %d imm %d as %s in %s", (opcode, src, offset, imm, mnemonic, group) => {
    expect(classify(opcode, src, offset, imm)).toMatchObject({ mnemonic, group });
  });

  it.each([
    ["an opcode nobody has", 0xff, 0, 0, 0],
    ["mov with offset 7", 0xbf, 0, 7, 0],
    ["a 32-bit movsx from 32 bits", 0xbc, 0, 32, 0],
    ["be with 48 bits", 0xdc, 0, 0, 48],
    ["a lddw source of 7", 0x18, 7, 0, 0],
    ["a call source of 3", 0x85, 3, 0, 0],
    ["fetching nothing", 0xdb, 0, 0, 0x11],
    ["a byte-sized atomic add", 0xd3, 0, 0, 0],
    ["the second slot of a lddw", 0x00, 0, 0, 0],
    ["a 64-bit packet load", 0x38, 0, 0, 0],
  ])("has no row for %s", (_what, opcode, src, offset, imm) => {
    expect(classify(opcode, src, offset, imm)).toBeUndefined();
  });

  it("knows where distances are", () => {
    const distances = new Map(instructionTable.map((row) => [`${row.mnemonic}/${row.fixed.src}`, row.distance]));
    expect(distances.get("ja/0")).toBe("offset");
    expect(distances.get("ja32/0")).toBe("imm");
    expect(distances.get("call local/1")).toBe("imm");
    expect(distances.get("lddw/4")).toBe("imm");
    expect(distances.get("jeq/undefined")).toBe("offset");
    expect(distances.get("ldxw/undefined")).toBeUndefined();
    expect(distances.get("call/0")).toBeUndefined();
  });
});

describe("checkEncoding", () => {
  it("finds every unused field that is not zero", () => {
    for (const row of instructionTable) {
      for (const [field, value] of Object.entries(row.fixed)) {
        if (value !== 0 || (field === "immHigh" && row.kind !== "load_imm64")) continue;
        const broken = { ...example(row), [field]: 1 };
        // The field may be the one that selects the row: then it is another row, and that one's encoding counts.
        if (classifyInstruction(broken) !== row) continue;
        expect(checkEncoding(broken), `${row.mnemonic} ${field}`).toMatchObject({ code: "reserved_field", field });
      }
    }
  });

  it.each([
    [{ opcode: 0x07, dst: 11, src: 0, offset: 0, imm: 0 }, "register", "dst"],
    [{ opcode: 0x0f, dst: 0, src: 12, offset: 0, imm: 0 }, "register", "src"],
    [{ opcode: 0xff, dst: 0, src: 0, offset: 0, imm: 0 }, "unknown_opcode", "opcode"],
    [{ opcode: 0xbf, dst: 0, src: 0, offset: 9, imm: 0 }, "unknown_variant", "offset"],
    [{ opcode: 0x18, dst: 0, src: 1, offset: 0, imm: 3, immHigh: 4 }, "reserved_field", "immHigh"],
  ])("says what is wrong with %o", (instruction, code, field) => {
    expect(checkEncoding(instruction)).toMatchObject({ code, field });
  });

  it("can be narrowed to groups", () => {
    const mul = { opcode: 0x27, dst: 0, src: 0, offset: 0, imm: 3 };
    expect(checkEncoding(mul, new Set(["base32", "base64"]))?.code).toBe("unsupported_group");
    expect(checkEncoding(mul, new Set(["divmul64"]))).toBeUndefined();
  });

  it("lists the values that an opcode's selector may have", () => {
    expect(rowsOfOpcode(0xd7).map((row) => row.fixed.imm)).toEqual([16, 32, 64]);
    expect(checkEncoding({ opcode: 0xd7, dst: 0, src: 0, offset: 0, imm: 8 })?.message).toContain("16, 32, 64");
  });
});
