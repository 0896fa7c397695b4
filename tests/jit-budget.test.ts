import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { CompiledProgram, Jit, type JitExecutable } from "@tsbpf/core/jit";
import { type Engine, type RunContext, Runtime, xdpMd } from "@tsbpf/core/runtime";
import { verify } from "@tsbpf/core/verifier";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const PACKET = 64;

/** What a program of {@link Statement}s does, one nested in the other. */
type Statement =
  | { readonly kind: "alu"; readonly value: number }
  | { readonly kind: "if"; readonly byte: number; readonly body: readonly Statement[] }
  | { readonly kind: "loop"; readonly rounds: number; readonly body: readonly Statement[] }
  | { readonly kind: "call"; readonly rounds: number };

const { program: statements } = fc.letrec<{ program: Statement[]; statement: Statement }>((tie) => ({
  program: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }),
  statement: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    fc.record({ kind: fc.constant("alu"), value: fc.integer({ min: 1, max: 99 }) }),
    fc.record({ kind: fc.constant("call"), rounds: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant("if"), byte: fc.integer({ min: 8, max: PACKET - 1 }), body: tie("program") }),
    fc.record({ kind: fc.constant("loop"), rounds: fc.integer({ min: 1, max: 6 }), body: tie("program") }),
  ) as fc.Arbitrary<Statement>,
}));

/** The program as assembly: r6 is the packet, r9 what it computes; counters of loops lie on the stack. */
function sourceOf(program: readonly Statement[]): string {
  let labels = 0;
  const emitOne = (statement: Statement, depth: number): string[] => {
    const label = `label${labels++}`;
    switch (statement.kind) {
      case "alu":
        return [`r9 *= ${statement.value}`, "r9 += 1"];
      case "call":
        return [`r1 = ${statement.rounds}`, "call rounds", "r9 ^= r0"];
      case "if":
        return [
          `r1 = *(u8 *)(r6 + ${statement.byte})`,
          `if r1 > 127 goto ${label}`,
          ...emit(statement.body, depth),
          `${label}:`,
        ];
      case "loop":
        return [
          `*(u64 *)(r10 - ${8 * depth}) = ${statement.rounds}`,
          `${label}:`,
          ...emit(statement.body, depth + 1),
          `r1 = *(u64 *)(r10 - ${8 * depth})`,
          "r1 += -1",
          `*(u64 *)(r10 - ${8 * depth}) = r1`,
          `if r1 != 0 goto ${label}`,
        ];
    }
  };
  const emit = (body: readonly Statement[], depth: number): string[] => body.flatMap((each) => emitOne(each, depth));
  return [
    "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr0 = 1\nr2 = r6",
    `r2 += ${PACKET}\nif r2 > r7 goto out\nr9 = 1`,
    ...emit(program, 1),
    "*(u64 *)(r6 + 0) = r9\nr0 = 2\nout:\nexit",
    "rounds:\nr0 = r1\nr1 += -1\nif r1 != 0 goto rounds\nexit",
  ].join("\n");
}

/** The program in both engines of one runtime, on packets of the caller's. */
function prepare(source: string) {
  const insns = assemble(source);
  const verdict = verify({ insns, type: "xdp", license: "GPL", maps: new Map() });
  if (verdict.verdict !== "accepted") return undefined;
  const runtime = new Runtime();
  const packet = runtime.memory.alloc(PACKET, 8);
  const address = runtime.memory.alloc(xdpMd.size, 8);
  runtime.memory.u32.set([packet, packet + PACKET, packet], address >> 2);
  const context: RunContext = { address, size: xdpMd.size, packetStart: packet, packetEnd: packet + PACKET };
  const executable: JitExecutable = {
    name: "bounded",
    insns,
    verified: true,
    proof: { verdict, maps: new Map(), type: "xdp" },
  };
  const jit = new Jit(runtime).prepare(executable);
  if (!(jit instanceof CompiledProgram) || jit.checked) throw new Error("the program runs checked");
  const images = { jit, interpreter: new Interpreter(runtime).prepare(executable) };
  const run = (engine: Engine["name"], bytes: Uint8Array, budget: number) => {
    runtime.budget = budget;
    runtime.memory.u8.set(bytes, packet);
    const result = runtime.test(images[engine], context);
    return { result, bytes: runtime.memory.copy(packet, PACKET), executed: runtime.executed() };
  };
  return { run, longest: verdict.facts.longestRun };
}

const packets = fc.uint8Array({ minLength: PACKET, maxLength: PACKET });

describe("what a verified program executes at most", () => {
  it("is not exceeded by any run, and a smaller budget ends the same in both engines", () => {
    let accepted = 0;
    let exhausted = 0;
    const property = fc.property(
      statements,
      packets,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (body, bytes, share) => {
        const program = prepare(sourceOf(body));
        if (program === undefined) return;
        accepted++;
        const { executed, ...whole } = program.run("interpreter", bytes, 1e6);
        expect(executed).toBeLessThanOrEqual(program.longest);
        const { executed: _, ...fast } = program.run("jit", bytes, 1e6);
        expect(fast).toEqual(whole);
        for (const budget of [Math.floor(executed * share), executed - 1, program.longest - 1, program.longest]) {
          const { executed: some, ...expected } = program.run("interpreter", bytes, budget);
          const { executed: other, ...result } = program.run("jit", bytes, budget);
          expect(result).toEqual(expected);
          if (expected.result.kind !== "budget") continue;
          expect(other).toBe(some);
          exhausted++;
        }
      },
    );
    fc.assert(property, { numRuns: 80, seed: 6_18 });
    expect(accepted).toBeGreaterThan(50);
    expect(exhausted).toBeGreaterThan(30);
  });

  it("is counted along the longest way", () => {
    expect(prepare("r0 = 2\nexit")?.longest).toBe(2);
    expect(
      prepare("r1 = *(u32 *)(r1 + 0)\nr0 = 1 ll\nif r1 == 0 goto out\nr0 += 1\nr0 += 1\nout:\nexit")?.longest,
    ).toBe(7);
    expect(prepare("r0 = 10\nagain:\nr0 += -1\nif r0 != 0 goto again\nexit")?.longest).toBe(1 + 10 * 2 + 1);
    expect(prepare("call rounds\nexit\nrounds:\nr0 = 1\nexit")?.longest).toBe(4);
  });

  it("is unknown where a loop may go on", () => {
    expect(prepare("again:\nmay_goto out\ngoto again\nout:\nr0 = 0\nexit")?.longest).toBe(Number.POSITIVE_INFINITY);
  });
});
