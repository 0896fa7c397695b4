import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssembleError } from "../base/index.js";
import { assemble, assembleObject } from "./assemble.js";
import { disassemble, disassembleInstruction } from "./disassemble.js";
import { checkEncoding } from "./encoding.js";
import { decodeInstructions, encodeInstructions, type Instruction } from "./instruction.js";
import type { InstructionRow } from "./row.js";
import { instructionTable } from "./table.js";
import { assembledByLlvm } from "./testing/assembled-by-llvm.js";
import { recordedLines } from "./testing/recorded-lines.js";

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Any encodable instruction of a row. */
function anInstructionOf(row: InstructionRow): fc.Arbitrary<Instruction> {
  const register = fc.integer({ min: 0, max: 10 });
  const int32 = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: -9, max: 9 }));
  const { dst, src, offset, imm, immHigh } = row.fixed;
  const fields = {
    opcode: fc.constant(row.opcode),
    dst: dst === undefined ? register : fc.constant(dst),
    src: src === undefined ? register : fc.constant(src),
    offset: offset === undefined ? fc.integer({ min: -32768, max: 32767 }) : fc.constant(offset),
    imm: imm === undefined ? int32 : fc.constant(imm),
  };
  if (row.kind !== "load_imm64") return fc.record(fields);
  return fc.record({ ...fields, immHigh: immHigh === undefined ? int32 : fc.constant(immHigh) });
}

const anyInstruction = fc.oneof(...instructionTable.map(anInstructionOf));

describe("assemble, in the kernel's and LLVM's style", () => {
  it.each(assembledByLlvm)("makes of %j what llvm-mc makes", (source, hex) => {
    expect(hexOf(assemble(source))).toBe(hex);
  });

  it("reads back every line of the verifier log, given with its opcode", () => {
    let read = 0;
    for (const [hex, kernel] of recordedLines) {
      // The log does not show which BTF a kfunc is in.
      if (kernel === undefined || hex.startsWith("8520")) continue;
      expect(hexOf(assemble(`  7: (${hex.slice(0, 2)}) ${kernel}      ; R1=ctx() R10=fp0`)), kernel).toBe(hex);
      read++;
    }
    expect(read).toBeGreaterThan(330);
  });

  it("reads back llvm-objdump's lines", () => {
    let read = 0;
    for (const [hex, , llvm] of recordedLines) {
      // It prints helper calls and other calls alike, half of a lddw that is no constant, and no displacement in skb[r1].
      const lossy =
        llvm === undefined ||
        /^85[12]/.test(hex) ||
        /^18[1-6]/.test(hex.replace(/^(..)(.)./, "$1$2")) ||
        /skb\[r/.test(llvm);
      if (lossy) continue;
      expect(hexOf(assemble(llvm)), llvm).toBe(hex);
      if (/goto/.test(llvm)) expect(hexOf(assemble(`  12:\t${llvm} <.text+0x68>`)), llvm).toBe(hex);
      read++;
    }
    expect(read).toBeGreaterThan(330);
  });

  it("gives back every instruction from its text", () => {
    fc.assert(
      fc.property(anyInstruction, (instruction) => {
        const text = disassembleInstruction(instruction, { style: "assembly" });
        expect(decodeInstructions(assemble(text)), text).toEqual([instruction]);
        expect(text.startsWith(".8byte")).toBe(checkEncoding(instruction) !== undefined);
      }),
      { seed: 1, numRuns: 5000 },
    );
  });

  it("gives back whole programs from their listings, labels and all", () => {
    fc.assert(
      fc.property(
        fc.array(anyInstruction, { maxLength: 30 }),
        fc.uint8Array({ maxLength: 40 }),
        (instructions, tail) => {
          const program = new Uint8Array([...encodeInstructions(instructions), ...tail.slice(0, tail.length & ~7)]);
          const lines = disassemble(program, { style: "assembly" });
          const source = lines.map(({ label, text }) => (label === undefined ? text : `${label}: ${text}`)).join("\n");
          expect(hexOf(assemble(source)), source).toBe(hexOf(program));
        },
      ),
      { seed: 2, numRuns: 500 },
    );
  });

  it("names helpers, maps and kernel functions", () => {
    const helpers = new Map([["bpf_map_lookup_elem", 1]]);
    expect(hexOf(assemble("call bpf_map_lookup_elem", { helpers }))).toBe("8500000001000000");
    expect(hexOf(assemble("call bpf_map_lookup_elem#1"))).toBe("8500000001000000");
    expect(hexOf(assemble("call kfunc bpf_rcu_read_lock#1234 [idx:2]"))).toBe("85200200d2040000");
    expect(hexOf(assemble("r1 = map[fd:7]"))).toBe("18110000070000000000000000000000");
    expect(hexOf(assemble("r1 = map[idx:1][0]+16"))).toBe("18610000010000000000000010000000");
  });

  it("knows the constants it is given", () => {
    expect(
      hexOf(
        assemble("r1 = ETH_P_IP\n*(u32 *)(r10 - 2 * SIZE) = SIZE", {
          constants: new Map([
            ["ETH_P_IP", 0x800n],
            ["SIZE", 4n],
          ]),
        }),
      ),
    ).toBe("b701000000080000" + "620af8ff04000000");
  });
});

describe("assemble, in the mnemonic style", () => {
  it.each([
    ["mov32 %r0, 0", "b400000000000000"],
    ["mov r1, r2", "bf21000000000000"],
    ["add64 %r1, -1", "07010000ffffffff"],
    ["ldxdw %r1, [%r2+8]", "7921080000000000"],
    ["stxb [%r1-0x1], %r2", "7321ffff00000000"],
    ["stw [%r10-4], 0xff", "620afcffff000000"],
    ["lddw %r0, 0x1122334455667788", "18000000887766550000000044332211"],
    ["lock fetch_add [%r10-8], %r1", "db1af8ff01000000"],
    ["lock cmpxchg32 [%r10-8], %r1", "c31af8fff1000000"],
    ["jeq %r1, 0x80000000, +1", "1501010000000080"],
    ["jsgt32 %r1, %r2, -1", "6e21ffff00000000"],
    ["ja32 +100000", "06000000a0860100"],
    ["swap16 %r0", "d700000010000000"],
    ["bswap64 %r0", "d700000040000000"],
    ["movsx832 %r0, %r1", "bc10080000000000"],
    ["sdiv32 %r0, %r1", "3c10010000000000"],
    ["callx %r3", "8d03000000000000"],
    ["call %r2", "8d02000000000000"],
    ["call 5", "8500000005000000"],
    ["call local done\ndone:\nexit", "85100000000000009500000000000000"],
    ["ldabsh [12]", "280000000c000000"],
    ["ldindb [%r7+14]", "507000000e000000"],
    ["may_goto +2", "e500020000000000"],
    ["addr_space_cast %r1, %r2, 1", "bf21010001000000"],
    ["load_acquirew %r1, [%r2+4]", "c321040000010000"],
    ["store_releaseb [%r2+1], %r1", "d312010010010000"],
    ["jne %r0, 1, exit\nexit\nexit", "5500000001000000" + "9500000000000000" + "9500000000000000"],
  ])("assembles %j", (source, hex) => {
    expect(hexOf(assemble(source))).toBe(hex);
  });
});

describe("errors of assembly", () => {
  it.each([
    ["r0 = 1\n  ldxq %r0, %r1", 2, 3, 'did you mean "ldxb"'],
    ["mov32 %r0, 2147483648", 1, 12, "write hex"],
    ["mov32 %r0, 0x100000000", 1, 12, "does not fit 32 bits"],
    ["r1 = 0x100000000", 1, 6, '"ll"'],
    ["ja NOT_A_LABEL\nexit", 1, 4, "no label"],
    ["looop: goto loop\nexit", 1, 13, 'did you mean "looop"'],
    ["lock or [%r10-8]", 1, 17, 'expected ","'],
    ["lock", 1, 5, "an atomic operation"],
    ["lock nand [%r1], %r2", 1, 6, 'no "lock nand"; did you mean "lock and"'],
    ["ldxb %r0, %r1", 1, 11, 'expected "["'],
    ["ldxb %r0, [%r1+0x10000]", 1, 15, "16 bits"],
    ["lddw %r0", 1, 9, 'expected ","'],
    ["or %r0, %r50", 1, 9, "r0 to r10"],
    ["-- Unknown directive", 1, 1, "a directive"],
    [".sectoin foo", 1, 1, 'did you mean ".section"'],
    ["r1 = r2 r3", 1, 9, "the end of the statement"],
    ["w1 = r2", 1, 6, "32 bits"],
    ["w1 += r2", 1, 7, "32 bits"],
    ["r1 = (s64)r2", 1, 7, '"s8", "s16" or "s32"'],
    ["r1 = -r2", 1, 7, "one register"],
    ["r1 = be24 r1", 1, 6, '"ll" behind a name'],
    ["r1 = *(u24 *)(r2 + 0)", 1, 8, "a size"],
    ["*(s32 *)(r1 + 0) = r2", 1, 3, "only loads have a sign"],
    ["lock *(u8 *)(r1 + 0) += r2", 1, 8, "u32 or u64"],
    ["r3 = cmpxchg_64(r1 + 8, r0, r2)", 1, 1, "r0"],
    ["if r1 =< 2 goto +1", 1, 7, "a comparison"],
    ["if r1 == 2 gto +1", 1, 12, '"goto"'],
    ["goto +40000", 1, 6, "16 bits"],
    ["goto far\n.zero 320000\nfar: exit", 1, 6, "gotol reaches further"],
    ["x: exit\nx: exit", 2, 1, "already"],
    ["r1: exit", 1, 1, "no register's name"],
    ["call nowhere", 1, 6, "neither a label nor a helper"],
    ["r1 = map[nix]", 1, 10, 'no map "nix"'],
    ["r1 = map[fd:3][1]", 1, 17, "first value"],
    ["r1 = 08", 1, 6, "octal"],
    ["r1 = 0x", 1, 6, "is no number"],
    ["r1 = 5 + ", 1, 10, "expected a number"],
    ["r1 = 1 << 64", 1, 8, "0 to 63"],
    ["r1 = (((1)", 1, 11, 'expected ")"'],
    ['.ascii "abc', 1, 8, "closing"],
    ["r1 = \u00e9", 1, 6, "unexpected character"],
    [".byte 256", 1, 7, "8 bits"],
    [".byte 1\nexit", 2, 1, "cannot start at byte 1"],
    ["0: (07) r1 = 5", 1, 9, "opcode 0x07"],
    [".map m nothing 1", 1, 17, "value's size"],
  ])("places the mistake in %j", (source, line, column, text) => {
    const error = catchError(() => assemble(source));
    expect(error).toBeInstanceOf(AssembleError);
    expect(error).toMatchObject({ line, column });
    expect((error as Error).message).toContain(text);
  });

  it("is the only error that any text gives", () => {
    const pieces = [
      "r1",
      "w2",
      "=",
      "+=",
      "5",
      "-",
      "(",
      ")",
      "[",
      "]",
      "*",
      "u32",
      "goto",
      "L:",
      "L",
      "if",
      "lock",
      "call",
      "map",
      ".map",
      ".set",
      ".byte",
      ".zero",
      ",",
      ";",
      "\n",
      "#",
      '"',
      "ll",
      "add",
      "%r1",
      "/*",
      "*/",
      "0x",
      "9999999999",
      ":",
      "pc",
      "+3",
      "1f",
      "1:",
      "exit",
    ];
    const text = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(" ")),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (source) => {
        const error = catchError(() => assembleObject(source));
        expect(error === undefined || error instanceof AssembleError, String(error)).toBe(true);
      }),
      { seed: 3, numRuns: 3000 },
    );
  });

  it.each([
    ["brackets", `r1 = ${"(".repeat(100_000)}`],
    ["minus signs", `r1 = ${"-".repeat(100_000)}1`],
    ["digits", `r1 = ${"9".repeat(1_000_000)}`],
    ["a long name", `${"a".repeat(1_000_000)} r1`],
    ["a huge reservation", ".zero 0xffffffff"],
    ["an open comment", `/*${" *".repeat(1_000_000)}`],
    ["spaces", " ".repeat(3_000_000)],
    ["labels", `${Array.from({ length: 100_000 }, (_, n) => `l${n}:`).join("\n")}\ngoto nowhere`],
    ["sections", Array.from({ length: 50_000 }, (_, n) => `.section s${n}`).join("\n")],
    ["numeric labels", `${"1: goto 1b\n".repeat(60_000)}`],
    ["references to one label", `x: exit\n${"call x\n".repeat(60_000)}`],
    ["an endless expression", `r1 = 1${" + 1".repeat(300_000)}`],
  ])("meets hostile source in bounded time: %s", (_what, source) => {
    const before = performance.now();
    const error = catchError(() => assembleObject(source));
    expect(error === undefined || error instanceof AssembleError, String(error)).toBe(true);
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}
