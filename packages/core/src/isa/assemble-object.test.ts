import { describe, expect, it } from "vitest";
import { AssembleError, decodeText } from "../base/index.js";
import { assemble, assembleObject } from "./assemble.js";
import { disassemble } from "./disassemble.js";

const source = `
.map counts hash 4 8 1024
.map config, array, 4, 16, 1, 0x400   # flags: BPF_F_MMAPABLE
.set KEY, -4

.section "xdp", "ax", @progbits
.globl drop_all
.type drop_all, @function
drop_all:
  *(u32 *)(r10 + KEY) = 0
  r2 = r10
  r2 += KEY
  r1 = counts ll
  call 1
  if r0 == 0 goto out
  r1 = map[config][0]+8
  r1 = limit ll
  r2 = each ll
  call shared
  call elsewhere
out:
  w0 = 1
  exit
shared:
  exit
each:
  exit

.text
elsewhere:
  r0 = 2
  exit

.section license, "aw"
.asciz "GPL"
.data
  .quad 1
limit: .long 7, 8
`;

describe("assembleObject", () => {
  const object = assembleObject(source);
  const xdp = object.sections.find((section) => section.name === "xdp")!;

  it("keeps sections apart, code from data", () => {
    expect(object.sections.map(({ name, code, bytes }) => [name, code, bytes.length])).toEqual([
      [".text", true, 16],
      ["xdp", true, 19 * 8],
      ["license", false, 4],
      [".data", false, 16],
    ]);
    expect(decodeText(object.sections[2]!.bytes)).toBe("GPL\0");
  });

  it("describes maps", () => {
    expect(object.maps).toEqual([
      { name: "counts", type: "hash", keySize: 4, valueSize: 8, maxEntries: 1024, flags: 0, line: 2, column: 6 },
      { name: "config", type: "array", keySize: 4, valueSize: 16, maxEntries: 1, flags: 0x400, line: 3, column: 6 },
    ]);
  });

  it("leaves to loaders what only they know", () => {
    expect(xdp.references).toEqual([
      { slot: 3, kind: "map", symbol: "counts", offset: 0 },
      { slot: 7, kind: "map_value", symbol: "config", offset: 8 },
      { slot: 9, kind: "data", symbol: ".data", offset: 8 },
      { slot: 14, kind: "call", symbol: "elsewhere", offset: 0 },
    ]);
    expect(disassemble(xdp.bytes).map((line) => line.text)).toEqual([
      "*(u32 *)(r10 -4) = 0",
      "r2 = r10",
      "r2 += -4",
      "r1 = map[fd:0]",
      "call unknown#1",
      "if r0 == 0x0 goto pc+8",
      "r1 = map[fd:0][0]+8",
      "r1 = map[fd:0][0]+8",
      "r2 = subprog[+6]",
      "call pc+3",
      "call pc-1",
      "w0 = 1",
      "exit",
      "exit",
      "exit",
    ]);
  });

  it("finds functions by declaration, call and address", () => {
    expect(xdp.functions).toEqual([
      { slot: 0, name: "drop_all", global: true },
      { slot: 17, name: "shared", global: false },
      { slot: 18, name: "each", global: false },
    ]);
    expect(object.sections[0]!.functions).toEqual([{ slot: 0, name: "elsewhere", global: false }]);
  });

  it("says where each instruction was written", () => {
    expect(xdp.lines[0]).toEqual({ slot: 0, line: 10, column: 3 });
    expect(xdp.lines[4]).toEqual({ slot: 5, line: 14, column: 3 });
  });

  it("takes what clang -S writes", () => {
    const compiled = assembleObject(
      `\t.file\t"x.c"
\t.section\txdp,"ax",@progbits
\t.globl\tf                               # -- Begin function f
\t.p2align\t3
\t.type\tf,@function
f:                                      # @f
# %bb.0:
\tr2 = w1
\tr1 = counter ll
\tcall bpf_throw
\texit
.Lfunc_end0:
\t.size\tf, .Lfunc_end0-f
\t.comm counter,8,8
\t.data
\t.p2align 3, 0x0
table:
\t.quad f
\t.ascii "\\001\\xff\\303\\251\u00e9"
\t.addrsig
`,
      { undefinedNames: "extern" },
    );
    expect(compiled.sections.map(({ name, bytes }) => [name, bytes.length])).toEqual([
      ["xdp", 40],
      [".bss", 8],
      [".data", 14],
    ]);
    expect([...compiled.sections[2]!.bytes.slice(8)]).toEqual([1, 0xff, 0xc3, 0xa9, 0xc3, 0xa9]);
    expect(compiled.sections[2]!.pointers).toEqual([{ offset: 0, symbol: "f" }]);
    expect(compiled.sections[0]!.references).toEqual([
      { slot: 1, kind: "data", symbol: ".bss", offset: 0 },
      { slot: 3, kind: "extern", symbol: "bpf_throw", offset: 0 },
    ]);
    expect(disassemble(compiled.sections[0]!.bytes)[0]?.text).toBe("w2 = w1");
  });

  it("takes a name for known only when told", () => {
    expect(assembleObject(".extern bpf_obj_new\ncall bpf_obj_new").sections[0]!.references).toEqual([
      { slot: 0, kind: "extern", symbol: "bpf_obj_new", offset: 0 },
    ]);
    expect(() => assembleObject("r1 = nowhere ll")).toThrow(AssembleError);
  });

  it("does not jump between sections", () => {
    expect(() => assembleObject(".text\ngoto x\n.section other\nx: exit")).toThrow(/jumps stay in theirs/);
  });

  it("is not what assemble returns", () => {
    expect(() => assemble(source)).toThrow(/several sections/);
    expect(() => assemble(".map m hash 4 4 1\nexit\nr1 = m ll")).toThrow(/^3:1: .*a reference to m/);
  });
});
