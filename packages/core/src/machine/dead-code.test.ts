import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { removeDeadCode } from "./dead-code.js";

describe("removeDeadCode", () => {
  it("leaves what is reached, both slots of a lddw included", () => {
    const insns = assemble("r1 = 5 ll; if r1 == 0 goto 1f; r0 = 1; exit; 1: r2 = 6 ll; r10 = 3; exit");
    const visits = Uint32Array.of(1, 0, 1, 1, 1, 0, 0, 0, 0);
    const dead = assemble("exit");
    expect(removeDeadCode(insns, visits)).toEqual(
      Uint8Array.of(...insns.subarray(0, 40), ...dead, ...dead, ...dead, ...dead),
    );
    expect(removeDeadCode(insns, new Uint32Array(9).fill(1))).toBe(insns);
  });
});
