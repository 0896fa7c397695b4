import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeInstructions, type Instruction, type InstructionRow, instructionTable } from "../isa/index.js";
import { Runtime } from "../runtime/index.js";
import { Interpreter } from "./index.js";
import { modelAlu, modelBranch } from "./testing/alu-model.js";

const runtime = new Runtime();
const interpreter = new Interpreter(runtime);

const EXIT: Instruction = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
const EDGES = [0n, 1n, 2n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0x7fffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n]
  .flatMap((value) => [value, -value, value + (1n << 32n), value << 32n])
  .concat([(1n << 63n) - 1n, 1n << 63n])
  .map((value) => BigInt.asUintN(64, value));

const word = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
const immediate = fc.oneof(
  fc.constantFrom(0, 1, -1, 7, 31, 32, 63, 64, 127, -128, 0x7fffffff, -0x80000000),
  fc.integer(),
);

// A jump to the next instruction: a session's first instruction goes through the stepping loop.
const NOTHING: Instruction = { opcode: 0x05, dst: 0, src: 0, offset: 0, imm: 0 };

/** Runs instructions from given r0 to r9 and returns r0 to r9 at the end. */
function run(instructions: Instruction[], registers: readonly bigint[]): bigint[] {
  const image = interpreter.prepare({ name: "case", insns: encodeInstructions([NOTHING, ...instructions, EXIT]) });
  const session = interpreter.debug(image);
  registers.forEach((value, index) => {
    session.setRegister(index, value);
  });
  session.continue();
  expect(session.result()?.kind).toBe("exit");
  const after = registers.map((_, index) => session.register(index));
  session.close();
  image.close();
  return after;
}

const arithmeticRows = instructionTable.filter(({ kind }) => ["alu", "neg", "movsx", "byte_swap"].includes(kind));
const branchRows = instructionTable.filter(({ kind }) => kind === "branch");

function instance(row: InstructionRow, dst: number, src: number, offset: number, imm: number): Instruction {
  const { fixed, opcode } = row;
  return {
    opcode,
    dst: fixed.dst ?? dst,
    src: fixed.src ?? src,
    offset: fixed.offset ?? offset,
    imm: fixed.imm ?? imm,
  };
}

describe("arithmetic", () => {
  it.each(arithmeticRows.map((row) => [`${row.mnemonic} ${row.operands}`, row] as const))(
    "%s agrees with the model on integers",
    (_name, row) => {
      fc.assert(
        fc.property(word, word, immediate, (dst, src, imm) => {
          const instruction = instance(row, 3, 4, 0, imm);
          const registers = [0n, 0n, 0n, dst, src, 5n, 6n, 7n, 8n, 9n];
          const expected = registers.with(3, modelAlu(row, instruction, dst, src));
          expect(run([instruction], registers)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("agrees with the model on random sequences", () => {
    const step = fc
      .tuple(fc.constantFrom(...arithmeticRows), fc.nat(9), fc.nat(9), immediate)
      .map(([row, dst, src, imm]) => ({ row, instruction: instance(row, dst, src, 0, imm) }));
    const sequences = fc.array(step, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sequences, fc.array(word, { minLength: 10, maxLength: 10 }), (steps, registers) => {
        const expected = [...registers];
        for (const { row, instruction } of steps) {
          const { dst, src } = instruction;
          expected[dst] = modelAlu(row, instruction, expected[dst]!, expected[src]!);
        }
        const instructions = steps.map(({ instruction }) => instruction);
        expect(run(instructions, registers)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});

describe("branches", () => {
  it.each(branchRows.map((row) => [`${row.mnemonic} ${row.operands}`, row] as const))(
    "%s agrees with the model",
    (_name, row) => {
      const skipped: Instruction = { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 1 };
      fc.assert(
        fc.property(fc.tuple(word, word), immediate, fc.boolean(), ([dst, other], imm, same) => {
          const src = same ? dst : other;
          const instruction = instance(row, 3, 4, 1, imm);
          const taken = run([instruction, skipped], [0n, 0n, 0n, dst, src])[0] === 0n;
          expect(taken).toBe(modelBranch(row, instruction, dst, src));
        }),
        { numRuns: 60 },
      );
    },
  );
});
