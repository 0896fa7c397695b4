import { encodeInstructions, type Instruction } from "@tsbpf/core";
import { verify } from "@tsbpf/core/verifier";
import fc from "fast-check";
import { expect, it } from "vitest";
import { verifyOnKernel } from "../packages/linux/src/oracle/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const VALUE_SIZE = 32;
const FD = 1;
const insn = (opcode: number, dst = 0, src = 0, offset = 0, imm = 0): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});

/** bpf_snprintf into 16 bytes of stack, by the format in a map, with `bytes` of values from the stack. */
function program(bytes: number): Uint8Array {
  const values = [1, 2, 3].map((slot) => insn(0x7a, 10, 0, -24 - 8 * slot, slot));
  const toStack = (register: number, offset: number) => [insn(0xbf, register, 10), insn(0x07, register, 0, 0, offset)];
  return encodeInstructions([
    ...[insn(0x7a, 10, 0, -8), insn(0x7a, 10, 0, -16), ...values],
    ...[...toStack(1, -16), insn(0xb7, 2, 0, 0, 16)],
    { opcode: 0x18, dst: 3, src: 2, offset: 0, imm: FD, high: 0 } as Instruction,
    ...[...toStack(4, -48), insn(0xb7, 5, 0, 0, bytes)],
    ...[insn(0x85, 0, 0, 0, 165), insn(0xb7), insn(0x95)],
  ]);
}

const map = { type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1, flags: 0x80 };

function messages(format: Uint8Array, bytes: number): { readonly ours: string; readonly kernel: string } {
  const contents = new Uint8Array(VALUE_SIZE);
  contents.set(format.subarray(0, VALUE_SIZE - 1));
  const insns = program(bytes);
  const given = { ...map, name: "", frozen: true, contents };
  const ours = verify({ insns, type: "raw_tracepoint", license: "GPL", maps: new Map([[FD, given]]) });
  const kernel = verifyOnKernel({
    insns,
    type: "raw_tracepoint",
    maps: [{ fd: FD, ...map, contents: [{ key: new Uint8Array(4), value: contents }], freeze: true }],
    logLevel: 4,
  });
  return {
    ours: ours.verdict === "accepted" ? "accepted" : ours.message,
    kernel: kernel.accepted ? "accepted" : kernel.message,
  };
}

describeKernel("formats of bpf_snprintf", () => {
  const pieces = ["%", "%%", "p", "s", "ks", "us", "K", "x", "B", "S", "i4", "I6", "I", "c", "l", "ll", "d", "u", "X"];
  const more = [
    "0",
    "-",
    "+",
    " ",
    "08",
    "12",
    "5",
    "a",
    ".",
    "*",
    "h",
    "z",
    "\n",
    "\x01",
    "\x80",
    "\xe9",
    "\xff",
    "\xa0",
  ];
  const format = fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 8 }) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.tuple(fc.constant("%"), fc.constantFrom(...pieces), fc.constantFrom(...more)).map((all) => all.join("")),
        { maxLength: 4 },
      ),
    },
  );

  it("are judged as the kernel does", () => {
    fc.assert(
      fc.property(format, fc.constantFrom(0, 8, 16, 24, 24, 24), (parts, bytes) => {
        const text = Uint8Array.from(parts.join(""), (character) => character.charCodeAt(0));
        const { ours, kernel } = messages(text, bytes);
        expect(ours).toBe(kernel);
      }),
      { numRuns: 400 },
    );
  });

  it.each(["%d %lu %llx", "%p", "%pks|%pus", "%pI4 %pi6", "%s.", "%08x%%", "%-5d", "%pB"])("%s is taken", (text) => {
    const { ours, kernel } = messages(new TextEncoder().encode(text), 24);
    expect({ ours, kernel }).toEqual({ ours: "accepted", kernel: "accepted" });
  });
});
