import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { defaultJitSettings, Jit } from "@tsbpf/core/jit";
import { area, type Engine, type Helper, type ProgramImage, type RunContext, Runtime } from "@tsbpf/core/runtime";
import fc from "fast-check";
import { expect, it } from "vitest";
import { programBytes, randomPrograms } from "./random-programs.js";

const HELPERS = [5, 6, 7, 8, 12];

const latin1 = new TextDecoder("latin1");

/** What a run leaves behind: how it ended, what it cost, and all memory that it may have written. */
interface Outcome {
  readonly result: unknown;
  readonly executed: number;
  /** One character a byte, which compares fast. */
  readonly memory: string;
}

/** One runtime in which several engines run the same programs, so that addresses are the same too. */
class Bench {
  readonly runtime = new Runtime({ budget: 3000 });
  readonly values: number;
  readonly context: RunContext;
  readonly #start: Uint8Array;
  readonly #targets = new Map<Engine, ProgramImage>();
  #engine: Engine | undefined;

  constructor() {
    const { runtime } = this;
    this.values = runtime.memory.alloc(4096);
    const { values } = this;
    runtime.regions.add({ name: "map", start: values, length: 2048, stride: 64, offset: 16, size: 32, writable: true });
    runtime.regions.add({
      name: "ro",
      start: values + 2048,
      length: 512,
      stride: 512,
      offset: 0,
      size: 512,
      writable: false,
    });
    this.context = { address: values + 3072, size: 64, packetStart: values + 3200, packetEnd: values + 3300 };
    this.#start = Uint8Array.from({ length: 4096 }, (_, at) => at * 31);
    this.#defineHelpers();
  }

  #defineHelpers(): void {
    const { runtime } = this;
    const define = (id: number, result: Helper["result"], run: Helper["run"]) =>
      runtime.helpers.define(id, { name: `helper ${id}`, result, wide: result === "wide", run });
    define(5, "int", (a1, a2) => -(a1 + a2));
    define(6, "uint", (a1, a2) => a1 ^ a2);
    define(7, "wide", (a1) => {
      runtime.setRegister(0, a1, runtime.registerHigh(2));
      runtime.setRegister(3, 1, 2);
      return 0;
    });
    define(8, "int", (a1) => ((a1 & 7) === 0 ? runtime.fault("refused") : a1));
    define(12, "int", (_context, _map, index) => (index & 1 ? this.#targets.get(this.#engine!)!.record : 0));
    runtime.loadPacket = (_skb, offset, size) => {
      if (offset < 0 || offset > 50) return 0;
      runtime.setRegister(0, offset * size, 0);
      return 1;
    };
  }

  addEngine(engine: Engine): void {
    const target = engine.prepare({
      name: "target",
      insns: assemble(
        "r0 = *(u64 *)(r10 - 8)\nr0 += r1\nr0 += r6\nif r0 == 0 goto again\ncall again\nagain:\ncall 12\nexit",
      ),
    });
    this.#targets.set(engine, target);
    this.runtime.test(target);
  }

  run(engine: Engine, insns: Uint8Array, guarded?: ReadonlySet<number>): Outcome {
    const { runtime } = this;
    const { memory } = runtime;
    this.#engine = engine;
    const image = engine.prepare({ name: "random", insns, guarded });
    memory.u8.set(this.#start, this.values);
    const run = runtime.begin(image, this.context);
    memory.u8.fill(0, run.area + area.frames, run.area + area.frames + 8192);
    runtime.end(run);
    const result = runtime.test(image, this.context);
    const frames = Array.from({ length: 8 }, (_, index) => memory.copy(run.area + area.frames + index * 1024, 512));
    const outcome = {
      result,
      executed: runtime.executed(),
      memory: [memory.copy(this.values, 4096), ...frames].map((bytes) => latin1.decode(bytes)).join(""),
    };
    image.close();
    return outcome;
  }
}

it("engines agree on programs that nobody verified: results, faults, budgets and memory", () => {
  const bench = new Bench();
  const interpreter = new Interpreter(bench.runtime);
  const hardened = { ...defaultJitSettings(), harden: 2 } as const;
  const engines = [{}, { tailCalls: false }, { settings: hardened }].map((options) => new Jit(bench.runtime, options));
  for (const engine of [interpreter, ...engines]) bench.addEngine(engine);
  const prologue = assemble(`
    r6 = ${bench.values + 16} ll
    r7 = ${bench.values + 2048} ll
    r8 = r10
    r8 += -64
    r9 = ${bench.context.packetStart} ll
    r5 = 0x123456789abcdef0 ll`);
  const kinds = new Map<string, number>();
  const guarded = fc.option(
    fc.uniqueArray(fc.integer({ min: 8, max: 60 })).map((slots) => new Set(slots)),
    {
      nil: undefined,
    },
  );
  fc.assert(
    fc.property(randomPrograms(HELPERS), guarded, (body, guards) => {
      const insns = programBytes(prologue, body);
      const expected = bench.run(interpreter, insns, guards);
      const { result } = expected as { result: { kind: string; fault?: { reason: string } } };
      const kind = result.fault?.reason ?? result.kind;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      for (const engine of engines) expect(bench.run(engine, insns, guards)).toEqual(expected);
    }),
    { numRuns: 700, seed: 6_180 },
  );
  for (const kind of ["exit", "budget", "access", "read_only", "call_depth", "no_exit", "helper"])
    expect(kinds.get(kind) ?? 0, `programs that end with ${kind}: ${JSON.stringify([...kinds])}`).toBeGreaterThan(0);
});
