import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { verify } from "./verify.js";

/** What the log tells of stack slots found to be read later, or always written, by instruction: as Linux 6.18's does. */
function liveness(source: string): string[] {
  const input = { insns: assemble(source), type: "socket_filter", license: "GPL", maps: new Map() } as const;
  const { log } = verify(input, { logLevel: 2 });
  return (log.match(/^\([\d,]+\) (frame|live).*$/gm) ?? []).map((line) => line.trim());
}

describe("the liveness of stack slots", () => {
  it("lasts from a write to the last read", () => {
    const source = `r1 = 5
      *(u64 *)(r10 - 8) = r1
      *(u64 *)(r10 - 16) = r1
      r0 = *(u64 *)(r10 - 8)
      r0 = 0
      exit`;
    expect(liveness(source)).toEqual([
      "(0) frame 0 insn 3 +live -8",
      "(0) frame 0 insn 2 +live -8",
      "(0) frame 0 insn 2 +written -16",
      "(0) frame 0 insn 1 +written -8,-16",
      "(0) frame 0 insn 0 +written -8,-16",
      "(0) live stack update done in 2 iterations",
    ]);
  });

  it("passes a branch that does not write", () => {
    const source = `*(u64 *)(r10 - 8) = 1
      call 7
      if r0 == 0 goto +1
      *(u64 *)(r10 - 8) = 2
      r0 = *(u64 *)(r10 - 8)
      exit`;
    expect(liveness(source)).toEqual([
      "(0) frame 0 insn 4 +live -8",
      "(0) frame 0 insn 3 +written -8",
      "(0) frame 0 insn 2 +live -8",
      "(0) frame 0 insn 0 +written -8",
      "(0) live stack update done in 2 iterations",
    ]);
  });

  it("goes around a loop", () => {
    const source = `*(u64 *)(r10 - 8) = 0
      *(u64 *)(r10 - 16) = 0
      r6 = 0
      r6 += 1
      r1 = *(u64 *)(r10 - 8)
      *(u64 *)(r10 - 8) = r6
      if r6 < 20 goto -4
      r0 = 0
      exit`;
    expect(liveness(source).slice(-3)).toEqual([
      "(0) frame 0 insn 0 +written -8,-16",
      "(0) frame 0 insn 6 +live -8",
      "(0) live stack update done in 3 iterations",
    ]);
  });

  it("is the call's where a callee reads its caller's stack", () => {
    const source = `*(u64 *)(r10 - 8) = 1
      *(u64 *)(r10 - 16) = 1
      r1 = r10
      r1 += -8
      call f
      r0 = *(u64 *)(r10 - 16)
      exit
      f: r0 = *(u64 *)(r1 + 0)
      *(u64 *)(r10 - 8) = r0
      r0 = *(u64 *)(r10 - 8)
      exit`;
    expect(liveness(source)).toEqual([
      "(4,7) frame 0 insn 7 +live -8",
      "(4,7) frame 1 insn 9 +live -8",
      "(4,7) frame 1 insn 8 +written -8",
      "(4,7) frame 1 insn 7 +written -8",
      "(4,7) live stack update done in 2 iterations",
      "(0) frame 0 insn 4 +live -8",
      "(0) frame 0 insn 1 +live -8",
      "(0) frame 0 insn 1 +written -16",
      "(0) frame 0 insn 0 +written -8,-16",
      "(0) live stack update done in 2 iterations",
      "(0) frame 0 insn 5 +live -16",
      "(0) frame 0 insn 4 +live -16",
      "(0) live stack update done in 2 iterations",
    ]);
  });
});
