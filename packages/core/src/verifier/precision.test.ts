import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { verify } from "./verify.js";

/** The lines of the log that tell where the search for a value's origin is, as Linux 6.18's, but for instructions' text. */
function search(source: string): string[] {
  const input = { insns: assemble(source), type: "socket_filter", license: "GPL", maps: new Map() } as const;
  const { log } = verify(input, { logLevel: 2 });
  const steps = log.match(/^mark_precise: .*$/gm) ?? [];
  return steps
    .filter((line) => !line.includes("last_idx"))
    .map((line) => line.replace(/^mark_precise: /, "").replace(/: \(.*$/, ""));
}

/** Uses a register as an offset into the stack, which needs its value. */
const use = (register: string) => `r2 = r10\nr2 += -64\nr2 += ${register}\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit`;

describe("the search for what a value came from", () => {
  it("follows copies and arithmetic to the constants", () => {
    expect(search(`r3 = 5\nr4 = r3\nr4 += 2\nr5 = 1\nr4 += r5\n${use("r4")}`)).toEqual([
      "frame0: regs=r4 stack= before 6",
      "frame0: regs=r4 stack= before 5",
      "frame0: regs=r4 stack= before 4",
      "frame0: regs=r4,r5 stack= before 3",
      "frame0: regs=r4 stack= before 2",
      "frame0: regs=r4 stack= before 1",
      "frame0: regs=r3 stack= before 0",
    ]);
  });

  it("follows a value through the stack slot that it was spilled to", () => {
    expect(search(`r3 = 5\n*(u64 *)(r10 - 8) = r3\nr3 = 0\nr4 = *(u64 *)(r10 - 8)\n${use("r4")}`)).toEqual([
      "frame0: regs=r4 stack= before 5",
      "frame0: regs=r4 stack= before 4",
      "frame0: regs=r4 stack= before 3",
      "frame0: regs= stack=-8 before 2",
      "frame0: regs= stack=-8 before 1",
      "frame0: regs=r3 stack= before 0",
    ]);
  });

  it("ends at the call that a value came from", () => {
    expect(search(`call 7\nr6 = r0\nr6 &= 7\n${use("r6")}`)).toEqual([
      "frame0: regs=r6 stack= before 4",
      "frame0: regs=r6 stack= before 3",
      "frame0: regs=r6 stack= before 2",
      "frame0: regs=r6 stack= before 1",
      "frame0: regs=r0 stack= before 0",
    ]);
  });

  it("goes into the function that returned a value, and out to its caller's arguments", () => {
    const callee = "f: r0 = r1\nr0 &= 7\nexit";
    expect(search(`r1 = 3\ncall f\n${use("r0")}\n${callee}`)).toEqual([
      "frame0: regs=r0 stack= before 3",
      "frame0: regs=r0 stack= before 2",
      "frame0: regs=r0 stack= before 10",
      "frame1: regs=r0 stack= before 9",
      "frame1: regs=r0 stack= before 8",
      "frame1: regs=r1 stack= before 1",
      "frame0: regs=r1 stack= before 0",
    ]);
  });

  it("takes both operands of a comparison that decided where one of them matters", () => {
    expect(search("r3 = 5\nr4 = 5\nif r3 == r4 goto +1\nr0 = r10\nr0 = 0\nexit")).toEqual([
      "frame0: regs=r3 stack= before 1",
      "frame0: regs=r3 stack= before 0",
      "frame0: regs=r4 stack= before 1",
    ]);
  });

  it("takes everything to matter where it can't follow", () => {
    const difference = "r3 = r10\n*(u64 *)(r3 - 8) = 0\nr3 -= r10\nr3 &= 7";
    expect(search(`${difference}\n${use("r3")}`).at(-1)).toBe("frame0: falling back to forcing all scalars precise");
  });
});
