import {
  checkEncoding,
  decodeInstructions,
  decodeSlots,
  disassembleSlot,
  encodeInstructions,
  exit,
  jump,
  ldx,
  mov64,
  r0,
  r1,
} from "@tsbpf/core";
import { kernelProblem, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";
import { recordedLines } from "../packages/core/src/isa/testing/recorded-lines.js";

// The running kernel prints each instruction in its verifier log; ours must be the same text.

const problem = kernelProblem();

describe.skipIf(problem !== undefined)(`disassembly, asked of the kernel${problem ? ` (${problem})` : ""}`, () => {
  it("prints the verifier log's lines", () => {
    let compared = 0;
    for (const [hex, line] of recordedLines) {
      // Calls and addresses need more of a program around them than this; their lines were recorded.
      if (line === undefined || hex.startsWith("85") || hex.startsWith("184")) continue;
      const bytes = Uint8Array.from(hex.match(/../g)!, (digits) => Number.parseInt(digits, 16));
      expect(checkEncoding(decodeInstructions(bytes)[0]!)).toBeUndefined();
      // A way around the instruction, so that what follows can be reached whatever it does.
      const before = encodeInstructions([ldx("u32", r0, r1, 0), jump("eq", r0, 7, bytes.length / 8)]);
      const after = encodeInstructions([...new Array(5).fill(mov64(r0, 0)), exit()]);
      const insns = Uint8Array.from([...before, ...bytes, ...after]);
      const { log } = verifyOnKernel({ insns, type: "socket_filter", logLevel: 2 });
      const printed = /^2: \([0-9a-f]{2}\) (.*?)(?: +;.*)?$/m.exec(log)?.[1];
      if (printed === undefined) continue; // An older kernel that does not know the instruction.
      expect(disassembleSlot(decodeSlots(bytes), 0), hex).toBe(printed);
      compared++;
    }
    expect(compared).toBeGreaterThan(300);
  }, 60_000);
});
