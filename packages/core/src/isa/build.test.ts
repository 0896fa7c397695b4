import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import * as isa from "./build.js";
import { disassembleInstruction } from "./disassemble.js";
import type { Instruction } from "./instruction.js";

const { r0, r1, r2, r3, r6, r10 } = isa;

describe("instruction constructors", () => {
  it.each<[Instruction, string]>([
    [isa.mov64(r0, 5), "r0 = 5"],
    [isa.mov64(r6, r1), "r6 = r1"],
    [isa.mov32(r0, 0xffffffff), "w0 = -1"],
    [isa.alu64("add", r2, -8), "r2 += -8"],
    [isa.alu64("sdiv", r2, r3), "r2 s/= r3"],
    [isa.alu32("arsh", r2, 3), "w2 s>>= 3"],
    [isa.neg(r1), "r1 = -r1"],
    [isa.neg(r1, 32), "w1 = -w1"],
    [isa.movsx(r1, r2, 16), "r1 = (s16)r2"],
    [isa.byteSwap("be", 16, r1), "r1 = be16 r1"],
    [isa.byteSwap("swap", 64, r1), "r1 = bswap64 r1"],
    [isa.lddw(r1, 0xffff_ffff_ffff_ffffn), "r1 = 0xffffffffffffffff ll"],
    [isa.lddw(r1, -2), "r1 = 0xfffffffffffffffe ll"],
    [isa.lddwOf(r1, "map_fd", 3), "r1 = map[fd:3]"],
    [isa.lddwOf(r1, "map_value", 3, 16), "r1 = map[fd:3][0]+16"],
    [isa.ldx("u32", r1, r6, 4), "r1 = *(u32 *)(r6 +4)"],
    [isa.ldx("s8", r1, r6), "r1 = *(s8 *)(r6 +0)"],
    [isa.store("u64", r10, -8, r1), "*(u64 *)(r10 -8) = r1"],
    [isa.store("u8", r10, -1, 7), "*(u8 *)(r10 -1) = 7"],
    [isa.atomic("add", "u64", r1, 0, r2), "lock *(u64 *)(r1 +0) += r2"],
    [isa.atomic("or", "u32", r1, 0, r2, { fetch: true }), "r2 = atomic_fetch_or((u32 *)(r1 +0), r2)"],
    [isa.atomic("cmpxchg", "u64", r1, 8, r2), "r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)"],
    [isa.loadPacket("u16", 12), "r0 = *(u16 *)skb[12]"],
    [isa.loadPacket("u8", 14, r6), "r0 = *(u8 *)skb[r6 + 14]"],
    [isa.jump("sgt", r1, 5, 3), "if r1 s> 0x5 goto pc+3"],
    [isa.jump32("set", r1, r2, -1), "if w1 & w2 goto pc-1"],
    [isa.goto(5), "goto pc+5"],
    [isa.goto(100_000), "gotol pc+100000"],
    [isa.call("helper", 1), "call unknown#1"],
    [isa.call("local", -4), "call pc-4"],
    [isa.call("kfunc", 77, 2), "call kfunc unknown#77 [idx:2]"],
    [isa.exit(), "exit"],
  ])("%j is %s", (instruction, text) => {
    expect(disassembleInstruction(instruction, { style: "assembly" })).toBe(text);
  });

  it.each([
    ["a number of 33 bits", () => isa.mov64(r0, 2 ** 32)],
    ["a fraction", () => isa.mov64(r0, 1.5)],
    ["a far displacement", () => isa.ldx("u8", r0, r1, 40_000)],
    ["a far branch", () => isa.jump("eq", r0, 0, 40_000)],
    ["65 bits", () => isa.lddw(r0, 1n << 64n)],
    ["a signed store", () => isa.store("s8", r1, 0, r2)],
    ["an exchange that doesn't fetch", () => isa.atomic("xchg", "u64", r1, 0, r2, { fetch: false })],
    ["a move of 32 signed bits into 32", () => isa.movsx(r1, r2, 32, 32)],
  ])("refuses %s", (_what, make) => {
    expect(make).toThrow(BpfError);
  });
});
