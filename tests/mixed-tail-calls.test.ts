import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { type ProgramImage, Runtime } from "@tsbpf/core/runtime";
import { describe, expect, it } from "vitest";

/** A program of functions that call each other, `frames` deep; `last` is what the innermost does. */
function nested(frames: number, last: string): string {
  const calls = Array.from({ length: frames - 1 }, (_, at) => `f${at}:\ncall f${at + 1}\nr0 += 1\nexit`);
  return [...calls, `f${frames - 1}:\n${last}\nexit`].join("\n");
}

const jump = (index: number) => `r3 = ${index}\ncall 12`;

type Kind = "interpreted" | "translated";

describe.each([
  ["interpreted", "translated", true],
  ["interpreted", "translated", false],
  ["translated", "interpreted", true],
  ["translated", "interpreted", false],
] as const)("tail calls: %s to %s, WebAssembly's: %s", (from, to, tailCalls) => {
  function setUp() {
    const runtime = new Runtime({ budget: 100_000 });
    const jit = new Jit(runtime, { tailCalls });
    const engines = { translated: jit, interpreted: new Interpreter(runtime, jit.entries) };
    const targets: ProgramImage[] = [];
    runtime.helpers.define(12, {
      ...{ name: "tail_call", result: "int", wide: false },
      run: (_context, _map, index) => targets[index]?.record ?? 0,
    });
    const prepare = (kind: Kind, name: string, source: string) =>
      engines[kind].prepare({ name, insns: assemble(source) });
    return { runtime, targets, prepare };
  }
  const context = { address: 0x1234, size: 0, packetStart: 0, packetEnd: 0 };

  it("hand over context, frame and budget", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare(to, "target", "*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)\nexit"));
    const image = prepare(from, "start", `${jump(0)}\nr0 = 0\nexit`);
    for (const _ of [1, 2]) {
      expect(runtime.test(image, context)).toEqual({ kind: "exit", r0: 0x1234n });
      expect(runtime.executed()).toBe(5);
    }
  });

  it.each([2, 8])("come back to functions that wait, %i frames deep", (frames) => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare(to, "target", nested(frames, "r6 = 6\nr7 = 7\nr8 = 8\nr9 = 9\nr0 = 100")));
    const waiting = nested(frames - 1, `${jump(0)}\nr0 = 0`);
    const image = prepare(from, "start", `r6 = 60\nr9 = 90\ncall f0\nr0 += r6\nr0 += r9\nexit\n${waiting}`);
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: BigInt(250 + frames - 1 + frames - 2) });
    expect(runtime.executed()).toBe(6 + 2 * (frames - 2) + frames - 2 + 2 + 3 * (frames - 1) + 6);
  });

  it.each([1, 3, 8])("to and fro, 33 times and no more, %i frames deep", (frames) => {
    const { runtime, targets, prepare } = setUp();
    targets.push(prepare(from, "ping", nested(frames, `${jump(1)}\nr0 = 1000`)));
    targets.push(prepare(to, "pong", nested(frames, `${jump(0)}\nr0 = 2000`)));
    for (const _ of [1, 2])
      expect(runtime.test(targets[0]!)).toEqual({ kind: "exit", r0: BigInt(2000 + 34 * (frames - 1)) });
  });

  it("out of functions and on from there", () => {
    const { runtime, targets, prepare } = setUp();
    const function_ = (index: number) => `call f\nr0 += 1\nexit\nf:\n${jump(index)}\nr0 = 0\nexit`;
    targets.push(prepare(to, "first", `${jump(1)}\nr0 = 0\nexit`));
    targets.push(prepare(from, "second", function_(2)));
    targets.push(prepare(to, "third", nested(8, "r0 = 100")));
    expect(runtime.test(prepare(from, "start", function_(0)))).toEqual({ kind: "exit", r0: 109n });
  });

  it("faults and exhausted budgets are the target's", () => {
    const { runtime, targets, prepare } = setUp();
    targets.push(
      prepare(to, "faulty", "call f\nexit\nf:\nr0 = *(u8 *)(r10 + 8)\nexit"),
      prepare(to, "loop", "goto -1"),
    );
    const image = prepare(from, "start", `${jump(0)}\nexit`);
    expect(runtime.test(image)).toMatchObject({ kind: "fault", fault: { program: "faulty", depth: 1, slot: 2 } });
    const endless = prepare(from, "endless", `call f\nexit\nf:\n${jump(1)}\nexit`);
    expect(runtime.test(endless)).toMatchObject({ kind: "budget", program: "loop", slot: 0 });
    const caller = prepare(from, "caller", `call f\nr1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit\nf:\n${jump(2)}\nexit`);
    targets.push(prepare(to, "short", "r0 = 5\nexit"));
    expect(runtime.test(caller)).toMatchObject({ kind: "fault", fault: { program: "caller", depth: 0, slot: 2 } });
  });

  it("end where the target's record is closed", () => {
    const { runtime, targets, prepare } = setUp();
    const first = prepare(from, "first", "r0 = 0\nexit");
    runtime.test(first);
    first.close();
    const before = runtime.memory.stats.bytes;
    targets.push(prepare(to, "target", "r0 = 1\nexit"));
    const image = prepare(from, "start", `${jump(0)}\nr0 = 7\nexit`);
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: 1n });
    targets.pop()!.close();
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: 7n });
    image.close();
    expect(runtime.memory.stats.bytes).toBe(before);
  });
});

it("a tail call between engines that don't know each other is a fault", () => {
  const runtime = new Runtime();
  const insns = assemble("call 12\nr0 = 0\nexit");
  const [jit, interpreter] = [new Jit(runtime), new Interpreter(runtime)];
  const images = [jit, interpreter].map((engine) => engine.prepare({ name: "target", insns: assemble("exit") }));
  let target = 0;
  runtime.helpers.define(12, { name: "tail_call", result: "int", wide: false, run: () => target });
  [interpreter, jit].forEach((engine, index) => {
    target = images[index]!.record;
    expect(runtime.test(engine.prepare({ name: "start", insns }))).toMatchObject({ kind: "fault" });
  });
});
