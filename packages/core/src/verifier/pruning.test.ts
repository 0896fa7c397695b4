import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { verify } from "./verify.js";

/** Figures below are Linux 6.18's own for the same program. */
function figures(source: string) {
  const input = { insns: assemble(source), type: "socket_filter", license: "GPL", maps: new Map() } as const;
  const { verdict, processed, totalStates, peakStates } = verify(input);
  return [verdict, processed, totalStates, peakStates];
}

function message(source: string): string {
  const input = { insns: assemble(source), type: "socket_filter", license: "GPL", maps: new Map() } as const;
  const verdict = verify(input);
  return verdict.verdict === "accepted" ? "accepted" : verdict.message;
}

/** Branches on unknown bits, one after the other, each of which may do something; then an end that both ways share. */
function branches(count: number, either: string, end: string): string {
  const lines = ["call 7", "r6 = 0"];
  for (let bit = 0; bit < count; bit++) {
    lines.push("r1 = r0", `r1 &= ${1 << bit}`, "if r1 == 0 goto +1", either.replace("BIT", `${1 << bit}`));
    for (let filler = 0; filler < 8; filler++) lines.push("r2 = 1");
  }
  return [...lines, end, "r0 = 0", "exit"].join("\n");
}

describe("checkpoints", () => {
  it("end paths that differ only in a scalar whose value no check relied on", () => {
    expect(figures(branches(6, "r6 |= BIT", "r3 = r6"))).toEqual(["accepted", 129, 5, 5]);
  });

  it("don't end paths that differ in a scalar whose value a check relies on", () => {
    const access = "r2 = r10\nr2 += -64\nr2 += r6\n*(u8 *)(r2 + 0) = 0";
    expect(figures(branches(6, "r6 |= BIT", access))).toEqual(["accepted", 1646, 63, 19]);
  });

  it("end paths that differ in a stack slot only if nothing reads it", () => {
    const store = "*(u64 *)(r10 - 8) = BIT";
    expect(figures(`*(u64 *)(r10 - 8) = 0\n${branches(4, store, "r3 = 0")}`)).toEqual(["accepted", 81, 3, 3]);
    const read = "r3 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += -64\nr2 += r3\n*(u8 *)(r2 + 0) = 0";
    expect(figures(`*(u64 *)(r10 - 8) = 0\n${branches(4, store, read)}`)).toEqual(["accepted", 250, 9, 9]);
  });

  it("end paths in registers that are written before they are read", () => {
    expect(figures(branches(6, "r7 = BIT", "r7 = 0"))).toEqual(["accepted", 129, 5, 5]);
  });

  it("find a loop that comes back in the same state", () => {
    expect(message("r0 = 0\ngoto -1")).toBe("old state: R0=0 R1=ctx() R10=fp0");
    expect(message("call 7\nr6 = r0\nif r6 == 5 goto +1\ngoto -2\nr0 = 0\nexit")).toBe(
      "old state: R0=scalar(id=1) R6=scalar(id=1) R10=fp0",
    );
  });

  it("let a loop end whose counter says so, after all its rounds", () => {
    expect(figures("r1 = 0\nr1 += 1\nif r1 < 100 goto -2\nr0 = 0\nexit")).toEqual(["accepted", 203, 6, 6]);
  });

  it("end one pass of a loop without a bound that `may_goto` bounds", () => {
    expect(figures("r1 = 0\nmay_goto +2\nr1 += 1\ngoto -3\nr0 = 0\nexit")).toEqual(["accepted", 17, 3, 4]);
  });

  it("run out of instructions at a million", () => {
    const round = ["r1 += 1", ...Array.from({ length: 2000 }, () => "r2 = 1"), "if r1 < 600 goto -2002"];
    expect(message(["r1 = 0", ...round, "r0 = 0", "exit"].join("\n"))).toBe(
      "BPF program is too large. Processed 1000001 insn",
    );
  });

  it("run out of jumps at 8,193 that wait", () => {
    const lines = ["call 7", ...Array.from({ length: 8200 }, (_, n) => `if r0 == ${n} goto +0`), "exit"];
    expect(message(lines.join("\n"))).toBe("The sequence of 8193 jumps is too complex.");
  });
});
