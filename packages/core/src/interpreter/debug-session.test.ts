import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { Runtime } from "../runtime/index.js";
import { Interpreter } from "./index.js";

const runtime = new Runtime();
const interpreter = new Interpreter(runtime);

const SOURCE = `
  r6 = 3
  r0 = 0
loop:
  r1 = r0
  call add_two
  r6 -= 1
  if r6 != 0 goto loop
  exit
add_two:
  r0 = r1
  r0 += 2
  exit`;

function debug(source = SOURCE) {
  return interpreter.debug(interpreter.prepare({ name: "stepped", insns: assemble(source) }));
}

describe("DebugSession", () => {
  it("steps instruction by instruction, into calls and back", () => {
    const session = debug();
    const trace = [session.slot];
    while (session.step()) trace.push(session.slot);
    expect(trace.slice(0, 10)).toEqual([0, 1, 2, 3, 7, 8, 9, 4, 5, 2]);
    expect(session.executed).toBe(trace.length);
    expect(session.result()).toEqual({ kind: "exit", r0: 6n });
    expect(session.step()).toBe(false);
    session.close();
    expect(runtime.nesting).toBe(0);
  });

  it("stops at breakpoints, steps over calls, and shows the frames", () => {
    const session = debug();
    session.setBreakpoint(8);
    expect(session.continue()).toBe(true);
    expect(session.frames()).toEqual([
      { program: "stepped", slot: 8 },
      { program: "stepped", slot: 3 },
    ]);
    expect([session.register(0), session.register(6), session.depth]).toEqual([0n, 3n, 1]);
    session.setRegister(0, 100n);
    expect(session.continue()).toBe(true);
    expect(session.register(0)).toBe(102n);
    session.clearBreakpoint(8);
    session.setBreakpoint(3);
    expect(session.continue()).toBe(true);
    session.stepOver();
    expect([session.slot, session.depth, session.register(0)]).toEqual([4, 0, 106n]);
    expect(session.continue()).toBe(false);
    expect(session.result()).toEqual({ kind: "exit", r0: 106n });
    session.close();
  });

  it("leaves breakpoints out of other runs of the program", () => {
    const image = interpreter.prepare({ name: "stepped", insns: assemble(SOURCE) });
    const session = interpreter.debug(image);
    session.setBreakpoint(2);
    session.continue();
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: 6n });
    expect(session.slot).toBe(2);
    session.close();
  });

  it("ends with faults and budgets as a run does", () => {
    const faulty = debug("r1 = 5\nr0 = *(u8 *)(r1 + 0)\nexit");
    expect([faulty.step(), faulty.step()]).toEqual([true, false]);
    expect(faulty.result()).toMatchObject({ kind: "fault", fault: { slot: 1, address: 5n } });
    faulty.close();
    runtime.budget = 100;
    const endless = debug("goto -1");
    expect(endless.step(1000)).toBe(false);
    expect(endless.result()).toEqual({ kind: "budget", program: "stepped", slot: 0 });
    endless.close();
    runtime.budget = 10_000_000;
  });

  it("can be closed half way", () => {
    const session = debug();
    session.step(3);
    session.close();
    session.close();
    expect(session.result()).toBeUndefined();
    expect(() => session.step()).toThrow(RangeError);
  });
});
