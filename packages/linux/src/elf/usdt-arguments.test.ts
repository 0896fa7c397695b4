import { expect, it } from "vitest";
import { encodeUsdtSpec, parseUsdtArguments, USDT_SPEC_SIZE } from "./index.js";

it("reads arguments of x86-64", () => {
  expect(parseUsdtArguments("-4@%edi 8@-16(%rbp) 4@$5 8@(%rax) 1@%r8b -8@$-1", "x64")).toEqual([
    { kind: "register", value: 0n, registerOffset: 112, size: 4, signed: true },
    { kind: "memory", value: -16n, registerOffset: 32, size: 8, signed: false },
    { kind: "constant", value: 5n, registerOffset: 0, size: 4, signed: false },
    { kind: "memory", value: 0n, registerOffset: 80, size: 8, signed: false },
    { kind: "register", value: 0n, registerOffset: 72, size: 1, signed: false },
    { kind: "constant", value: -1n, registerOffset: 0, size: 8, signed: true },
  ]);
  expect(parseUsdtArguments("", "x64")).toEqual([]);
});

it("reads arguments of arm64", () => {
  expect(parseUsdtArguments("-4@x0 8@[sp, 16] 4@5 8@[x29]", "arm64")).toEqual([
    { kind: "register", value: 0n, registerOffset: 0, size: 4, signed: true },
    { kind: "memory", value: 16n, registerOffset: 248, size: 8, signed: false },
    { kind: "constant", value: 5n, registerOffset: 0, size: 4, signed: false },
    { kind: "memory", value: 0n, registerOffset: 232, size: 8, signed: false },
  ]);
});

it.each(["3@%edi", "4@%xmm0", "8@16(%rax,%rbx,4)", "8@symbol(%rip)", "nonsense", "4@"])("refuses %s", (text) => {
  expect(() => parseUsdtArguments(text, "x64")).toThrow("USDT");
});

it("writes what libbpf's header reads", () => {
  const bytes = encodeUsdtSpec(parseUsdtArguments("-4@%edi", "x64"), 9n);
  const view = new DataView(bytes.buffer);
  expect(bytes.length).toBe(USDT_SPEC_SIZE);
  expect([view.getUint32(8, true), view.getInt16(12, true), bytes[14], bytes[15]]).toEqual([1, 112, 1, 32]);
  expect([view.getBigUint64(192, true), view.getUint16(200, true)]).toEqual([9n, 1]);
  expect(() => encodeUsdtSpec(parseUsdtArguments("1@$1 ".repeat(13), "x64"), 0n)).toThrow("13 arguments");
});
