import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { type Engine, type ProgramImage, Runtime } from "@tsbpf/core/runtime";
import { describe, expect, it } from "vitest";

const engines: Record<string, (runtime: Runtime) => Engine> = {
  interpreter: (runtime) => new Interpreter(runtime),
  "checked JIT": (runtime) => new Jit(runtime),
  "checked JIT without WebAssembly tail calls": (runtime) => new Jit(runtime, { tailCalls: false }),
};

/** A program of functions that call each other, `frames` deep; `last` is what the innermost does. */
function nested(frames: number, last: string): string {
  const calls = Array.from({ length: frames - 1 }, (_, at) => `f${at}:\ncall f${at + 1}\nr0 += 1\nexit`);
  return [...calls, `f${frames - 1}:\n${last}\nexit`].join("\n");
}

describe.each(Object.entries(engines))("frames, %s", (_name, create) => {
  function setUp() {
    const runtime = new Runtime({ budget: 100_000 });
    const engine = create(runtime);
    const targets: ProgramImage[] = [];
    runtime.helpers.define(12, {
      ...{ name: "tail_call", result: "int", wide: false },
      run: (_context, _map, index) => targets[index]?.record ?? 0,
    });
    const prepare = (name: string, source: string) => engine.prepare({ name, insns: assemble(source) });
    return { runtime, targets, prepare };
  }

  it("a program that a function tail calls has eight of its own", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare("target", nested(8, "r0 = 100")));
    const image = prepare("start", nested(8, "r3 = 0\ncall 12\nr0 = 0"));
    // Seven frames of the caller's remain, and seven of the target's own add one each.
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: 114n });
    expect(runtime.executed()).toBe(7 + 2 + 7 + 1 + 1 + 14 + 14);
  });

  it("33 tail calls out of functions go through, and no more", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare("again", nested(8, "r3 = 0\ncall 12\nr0 = 1000")));
    // 34 programs each with seven frames that add one.
    expect(runtime.test(targets[0]!)).toEqual({ kind: "exit", r0: BigInt(1000 + 34 * 7) });
    expect(runtime.test(targets[0]!)).toEqual({ kind: "exit", r0: BigInt(1000 + 34 * 7) });
  });

  it("faults behind such a tail call are the target's, and afterwards the caller's again", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare("target", nested(8, "r0 = *(u8 *)(r10 + 8)")));
    const image = prepare("start", nested(4, "r3 = 0\ncall 12\nr0 = 0"));
    const fault = runtime.test(image);
    expect(fault).toMatchObject({ kind: "fault", fault: { program: "target", depth: 7, slot: 21, reason: "access" } });
    targets[0] = prepare("short", "r0 = 5\nexit");
    const caller = prepare("caller", "call f\nr1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit\nf:\nr3 = 0\ncall 12\nexit");
    expect(runtime.test(caller)).toMatchObject({ kind: "fault", fault: { program: "caller", depth: 0, slot: 2 } });
  });

  it("the budget goes through such tail calls, too", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare("loop", nested(8, "goto -1")));
    const image = prepare("start", nested(8, "r3 = 0\ncall 12\nr0 = 0"));
    expect(runtime.test(image)).toEqual({ kind: "budget", program: "loop", slot: 21 });
  });

  it("may_goto in one function leaves rounds for the loops of the functions called after it", () => {
    const { runtime, prepare } = setUp();
    const loop = "r0 = 0\nmay_goto +2\nr0 += 1\ngoto -3\nexit";
    const image = prepare("two", `call f\nr6 = r0\ncall f\nr6 <<= 32\nr0 |= r6\nexit\nf:\n${loop}`);
    const result = runtime.test(image);
    if (result.kind !== "exit") throw new Error(result.kind);
    const [first, second] = [Number(result.r0 >> 32n), Number(result.r0 & 0xffffffffn)];
    expect([first, second]).toEqual([25_000, 6_250].map((rounds) => expect.closeTo(rounds, -1)));
  });

  it("a run whose budget ends between two callbacks stands at the helper's call", () => {
    const { runtime, prepare } = setUp();
    runtime.helpers.define(181, {
      ...{ name: "loop", result: "int", wide: false },
      run(count, callback) {
        for (let round = 0; round < count; round++) runtime.invoke(callback, round, 0);
        return count;
      },
    });
    runtime.budget = 50;
    const image = prepare("loop", "r1 = 1000\nr2 = subprog[+3]\ncall 181\nexit\nr0 = 0\ncall pc+1\nexit\nexit");
    expect(runtime.test(image)).toEqual({ kind: "budget", program: "loop", slot: 3 });
  });
});
