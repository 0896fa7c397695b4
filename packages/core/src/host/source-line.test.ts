import { describe, expect, it } from "vitest";
import type { FunctionRecord, LineRecord } from "../spec/index.js";
import { describeSlot, functionAt, lineAt } from "./index.js";

const line = (slot: number, line: number): LineRecord => ({ slot, file: "filter.c", line, column: 1, text: "" });
const fn = (slot: number, name: string): FunctionRecord => ({ slot, name, typeId: 0, linkage: "static" });
const program = {
  functions: [fn(0, "main"), fn(10, "bare"), fn(20, "parse")],
  lines: [line(0, 5), line(3, 6), line(20, 1), line(25, 2)],
};

describe("source lines", () => {
  it("finds the record that a slot falls under", () => {
    expect([0, 2, 3, 9].map((slot) => lineAt(program, slot)?.line)).toEqual([5, 5, 6, 6]);
    expect([20, 24, 25, 400].map((slot) => lineAt(program, slot)?.line)).toEqual([1, 1, 2, 2]);
    expect(functionAt(program, 19)?.name).toBe("bare");
  });

  it("does not take a line of the function before", () => {
    expect(lineAt(program, 12)).toBeUndefined();
    expect(describeSlot(program, 12)).toBe("instruction 12 (in bare)");
    expect(describeSlot(program, 26)).toBe("filter.c:2 (in parse)");
    expect(describeSlot({ functions: [], lines: [] }, 3)).toBe("instruction 3");
  });
});
