import { describe, expect, it } from "vitest";
import { classifySlot } from "./classify.js";
import { disassemble, disassembleInstruction, disassembleSlot } from "./disassemble.js";
import type { InstructionNames } from "./format.js";
import { decodeSlots } from "./instruction.js";
import { instructionTable } from "./table.js";
import { recordedLines, recordedOddities } from "./testing/recorded-lines.js";

const helpers: Readonly<Record<number, string>> = {
  1: "bpf_map_lookup_elem",
  7: "bpf_get_prandom_u32",
  14: "bpf_get_current_pid_tgid",
  211: "bpf_cgrp_storage_delete",
};
const names: InstructionNames = { helper: (id) => helpers[id] };
const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

describe("disassembly", () => {
  it("was recorded for every row of the table", () => {
    const rows = new Set(recordedLines.map(([hex]) => classifySlot(decodeSlots(bytes(hex)), 0)));
    expect(rows.size).toBe(instructionTable.length);
    expect(recordedLines.filter(([, kernel]) => kernel !== undefined).length).toBeGreaterThan(330);
    expect(recordedLines.filter(([, , llvm]) => llvm !== undefined).length).toBeGreaterThan(350);
  });

  it("prints what the kernel's verifier log prints", () => {
    for (const [hex, kernel] of recordedLines) {
      if (kernel !== undefined) expect(disassembleSlot(decodeSlots(bytes(hex)), 0, { names }), hex).toBe(kernel);
    }
    for (const [hex, kernel] of recordedOddities) {
      expect(disassembleSlot(decodeSlots(bytes(hex)), 0, { names }), hex).toBe(kernel);
    }
  });

  it("prints what llvm-objdump prints", () => {
    for (const [hex, , llvm] of recordedLines) {
      if (llvm !== undefined) expect(disassembleSlot(decodeSlots(bytes(hex)), 0, { style: "llvm" }), hex).toBe(llvm);
    }
  });

  it("asks for names", () => {
    const asked: InstructionNames = {
      wide: (source, imm, immHigh, slot) => `${source}/${imm}/${immHigh}/${slot}`,
      kfunc: (id, fdIndex) => `kfunc_${id}_${fdIndex}`,
      label: (slot) => `at${slot}`,
    };
    const slots = decodeSlots(
      bytes("18110000030000000000000000000000" + "8510000002000000" + "8520020009000000" + "0500030000000000"),
    );
    expect([0, 2, 3, 4].map((slot) => disassembleSlot(slots, slot, { names: asked }))).toEqual([
      "r1 = map_fd/3/0/0",
      "call pc+2#at5",
      "call kfunc_9_2#9",
      "goto pc+3",
    ]);
    expect(disassembleSlot(slots, 4, { names: asked, style: "assembly" })).toBe("goto at8");
    expect(disassembleSlot(slots, 4, { names: asked, style: "llvm" })).toBe("goto +0x3 <at8>");
  });

  it("labels what is jumped to in the assembly style", () => {
    const program = bytes(
      "1501010000000000" +
        "b700000001000000" +
        "1800000000000000" +
        "0000000001000000" +
        "0500fbff00000000" +
        "9500000000000000",
    );
    expect(disassemble(program, { style: "assembly" })).toEqual([
      { slot: 0, label: "L0", text: "if r1 == 0x0 goto L2" },
      { slot: 1, text: "r0 = 1" },
      { slot: 2, label: "L2", text: "r0 = 0x100000000 ll" },
      { slot: 4, text: "goto L0" },
      { slot: 5, text: "exit" },
    ]);
    expect(disassemble(program).map((line) => line.text)[3]).toBe("goto pc-5");
  });

  it("keeps a distance that leads nowhere a number", () => {
    expect(disassemble(bytes("05000500000000009500000000000000"), { style: "assembly" })[0]?.text).toBe("goto pc+5");
  });

  it("shows a lddw without its second slot, and slots that are no instruction, as bytes in the assembly style", () => {
    const program = bytes("1801000005000000" + "b700000000000000" + "ff01000000000000" + "0701010001000000");
    expect(disassemble(program, { style: "assembly" }).map((line) => line.text)).toEqual([
      ".8byte 0x0000000500000118",
      "r0 = 0",
      ".8byte 0x00000000000001ff",
      ".8byte 0x0000000100010107",
    ]);
    expect(disassemble(program).map((line) => line.text)).toEqual(["r1 = 0x5", "r0 = 0", "BUG_ff", "r1 += 1"]);
  });

  it("takes instruction values", () => {
    const jump = { opcode: 0x05, dst: 0, src: 0, offset: 2, imm: 0 };
    const label = (slot: number): string => `slot_${slot}`;
    expect(disassembleInstruction(jump, { style: "assembly", names: { label } }, 10)).toBe("goto slot_13");
    expect(disassembleInstruction({ opcode: 0x18, dst: 3, src: 0, offset: 0, imm: -1, immHigh: 7 })).toBe(
      "r3 = 0x7ffffffff",
    );
  });

  it("refuses bytes that are no whole slots", () => {
    expect(() => disassemble(new Uint8Array(9))).toThrow(/multiple of 8/);
  });
});
