import { describe, expect, it } from "vitest";
import { Interpreter } from "../interpreter/index.js";
import { assemble } from "../isa/index.js";
import { type Engine, type ProgramImage, type RunContext, type RunStatus, Runtime } from "../runtime/index.js";
import { Jit } from "./jit.js";

const SIZE = 64;

/** What is left of `times` runs of a program on one context. */
function afterRuns(create: (runtime: Runtime) => Engine, source: string, times: number, inOne: boolean) {
  const runtime = new Runtime({ budget: 1000 });
  const address = runtime.memory.alloc(SIZE, 8);
  runtime.memory.u8.fill(0, address, address + SIZE);
  const context: RunContext = { address, size: SIZE, packetStart: 0, packetEnd: 0 };
  const engine = create(runtime);
  let image: ProgramImage | undefined;
  runtime.helpers.define(12, { name: "tail_call", result: "uint", wide: false, run: () => image!.record });
  image = engine.prepare({ name: "again", insns: assemble(source) });
  let status: RunStatus = 0;
  if (inOne) status = runtime.executeRepeatedly(image, context, times);
  else for (let time = 0; time < times && status === 0; time++) status = runtime.execute(image, context);
  return {
    result: runtime.result(status),
    executed: runtime.executed(),
    memory: [...runtime.memory.u8.subarray(address, address + SIZE)],
    nesting: runtime.nesting,
  };
}

const COUNT = "r0 = *(u64 *)(r1 + 0)\nr0 += 1\n*(u64 *)(r1 + 0) = r0\n";

const programs = {
  "counts in its context": `${COUNT}exit`,
  "has a fresh stack and registers each time": `${COUNT}r2 = *(u64 *)(r10 - 8)\nr2 += r5\n*(u64 *)(r10 - 8) = 7\nr0 += r2\nexit`,
  "faults in its tenth run": `${COUNT}if r0 != 10 goto out\nr0 = *(u64 *)(r0 + 0)\nout:\nexit`,
  "uses its budget up in its tenth run": `${COUNT}again:\nif r0 == 10 goto again\nexit`,
  "tail calls itself as often as one run may": `${COUNT}r6 = r1\nr2 = 0\nr3 = 0\ncall 12\nr0 = *(u64 *)(r6 + 0)\nexit`,
};

describe.each(Object.entries(programs))("a program that %s", (_name, source) => {
  it.each([
    ["translated", (runtime: Runtime) => new Jit(runtime)],
    ["interpreted", (runtime: Runtime) => new Interpreter(runtime)],
  ] as const)("leaves the same behind in one repeated run, %s", (_engine, create) => {
    const repeated = afterRuns(create, source, 20, true);
    expect(repeated).toEqual(afterRuns((runtime) => new Interpreter(runtime), source, 20, false));
    expect(repeated.nesting).toBe(0);
  });
});
