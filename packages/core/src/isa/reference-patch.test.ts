import { describe, expect, it } from "vitest";
import { assemble } from "./assemble.js";
import { ReferencePatch } from "./reference-patch.js";

const code = assemble("r1 = 7 ll\ncall 5\nexit");

describe("ReferencePatch", () => {
  it("leaves the program that it was given as it was", () => {
    const before = code.slice();
    const patch = new ReferencePatch(code);
    patch.load(0, 1, 9, 0);
    expect(code).toEqual(before);
    expect(patch.bytes).not.toEqual(before);
  });

  it("fills both halves of a load, and keeps its register", () => {
    const patch = new ReferencePatch(code);
    patch.load(0, 2, 0xffff_fff0, 12);
    expect([...patch.bytes.subarray(0, 16)]).toEqual([
      0x18, 0x21, 0, 0, 0xf0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 12, 0, 0, 0,
    ]);
  });

  it("fills a call's number and offset", () => {
    const patch = new ReferencePatch(code);
    patch.call(2, 2, 258, 3);
    expect([...patch.bytes.subarray(16, 24)]).toEqual([0x85, 0x20, 3, 0, 2, 1, 0, 0]);
  });

  it("refuses what is no load or call, and slots beyond the program", () => {
    const patch = new ReferencePatch(code);
    for (const slot of [1, 2, 3, 4, -1]) expect(() => patch.load(slot, 1, 0, 0)).toThrow(/no lddw/);
    for (const slot of [0, 3, 4, -1]) expect(() => patch.call(slot, 2, 0)).toThrow(/no call/);
  });
});
