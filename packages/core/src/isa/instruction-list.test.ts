import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { assemble } from "./assemble.js";
import { exit, goto, jump, lddw, mov64, r0, r1 } from "./build.js";
import { disassemble } from "./disassemble.js";
import { encodeInstructions } from "./instruction.js";
import { InstructionList } from "./instruction-list.js";

const listing = (list: InstructionList): string[] => disassemble(list.encode()).map((line) => line.text);
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof BpfError ? error.code : String(error);
  }
};

const source = `
  r6 = r1
loop:
  r0 = 0x1122334455667788 ll
  if r0 == 0 goto done
  call sub
  goto loop
done:
  exit
sub:
  r1 = 1
  exit
`;

describe("InstructionList", () => {
  it("gives back what it was made of", () => {
    const program = assemble(source);
    expect(new InstructionList(program).encode()).toEqual(program);
  });

  it("keeps jumps, calls and addresses right when something comes between", () => {
    const list = new InstructionList(assemble(source));
    list.insert(3, [lddw(r1, 0), mov64(r1, 2)]);
    expect(listing(list)).toEqual([
      "r6 = r1",
      "r0 = 0x1122334455667788",
      "if r0 == 0x0 goto pc+5",
      "r1 = 0x0",
      "r1 = 2",
      "call pc+2",
      "goto pc-8",
      "exit",
      "r1 = 1",
      "exit",
    ]);
  });

  it("leads jumps through what is inserted, or past it", () => {
    const through = new InstructionList(assemble(source));
    through.insert(1, [mov64(r1, 7)]);
    expect(listing(through)[5]).toBe("goto pc-6");
    const past = new InstructionList(assemble(source));
    past.insert(1, [mov64(r1, 7)], { jumps: "old" });
    expect(listing(past)[5]).toBe("goto pc-5");
  });

  it("replaces: jumps go to the first of the new ones", () => {
    const list = new InstructionList(assemble(source));
    list.replace(5, 1, [mov64(r0, 0), exit()]);
    expect(listing(list).slice(2)).toEqual([
      "if r0 == 0x0 goto pc+2",
      "call pc+3",
      "goto pc-5",
      "r0 = 0",
      "exit",
      "r1 = 1",
      "exit",
    ]);
  });

  it("removes: jumps go to the next that is left", () => {
    const list = new InstructionList(assemble(source));
    list.remove(1);
    expect(listing(list)).toEqual([
      "r6 = r1",
      "if r0 == 0x0 goto pc+2",
      "call pc+2",
      "goto pc-3",
      "exit",
      "r1 = 1",
      "exit",
    ]);
    expect([...list.movedSlots()]).toEqual([
      [0, 0],
      [3, 1],
      [4, 2],
      [5, 3],
      [6, 4],
      [7, 5],
      [8, 6],
    ]);
  });

  it("links jumps of what is inserted", () => {
    const list = new InstructionList([mov64(r0, 0), exit()]);
    list.insert(1, [jump("eq", r1, 0, 3), lddw(r0, 1), goto(-5)]);
    list.insert(2, [mov64(r1, 1)]);
    expect(listing(list)).toEqual(["r0 = 0", "if r1 == 0x0 goto pc+4", "r1 = 1", "r0 = 0x1", "goto pc-6", "exit"]);
  });

  it("leaves the list alone when it refuses", () => {
    const list = new InstructionList(assemble(source));
    const before = list.encode();
    expect(codeOf(() => list.insert(2, [goto(99)]))).toBe("JUMP_TARGET");
    expect(codeOf(() => list.remove(6, 2))).toBe("JUMP_TARGET");
    expect(codeOf(() => list.remove(7, 3))).toBe("INDEX");
    expect(codeOf(() => list.insert(-1, []))).toBe("INDEX");
    expect(list.encode()).toEqual(before);
  });

  it("refuses programs that jump nowhere, and distances that grew too long", () => {
    expect(codeOf(() => new InstructionList(encodeInstructions([goto(3), exit()])))).toBe("JUMP_TARGET");
    expect(codeOf(() => new InstructionList(assemble("goto +1\nr0 = 1 ll\nexit")))).toBe("JUMP_TARGET");
    const list = new InstructionList(assemble("if r1 == 0 goto x\nr0 = 1\nx: exit"));
    list.insert(1, new Array(32_765).fill(mov64(r0, 0)));
    expect(list.encode().length).toBe(8 * 32_768);
    list.insert(1, [mov64(r0, 0), mov64(r0, 0)]);
    expect(codeOf(() => list.encode())).toBe("JUMP_RANGE");
    list.remove(1);
    expect(list.encode().length).toBe(8 * 32_769);
  });

  it("undoes an insertion by a removal", () => {
    const program = assemble(source);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 9 }), (index, count) => {
        const list = new InstructionList(program);
        list.insert(index, new Array(count).fill(lddw(r0, 3)));
        expect(list.length).toBe(8 + count);
        expect(list.slotOf(index + count) - list.slotOf(index)).toBe(2 * count);
        list.remove(index, count);
        expect(list.encode()).toEqual(program);
      }),
      { seed: 4 },
    );
  });
});
