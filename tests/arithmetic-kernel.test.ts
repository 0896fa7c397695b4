import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble, encodeInstructions, type Instruction, instructionTable } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { Runtime } from "@tsbpf/core/runtime";
import fc from "fast-check";
import { expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";
import { runOnKernel } from "./kernel-function.js";
import { verifiedFunction } from "./verified-function.js";

const rows = instructionTable.filter(({ kind }) =>
  ["alu", "neg", "movsx", "byte_swap", "branch", "atomic"].includes(kind),
);

/** An instruction that the kernel's verifier has nothing against. */
const instruction = fc
  .tuple(fc.constantFrom(...rows), fc.nat(9), fc.nat(9), fc.nat(3), fc.integer())
  .map(([row, dst, src, skipped, imm]): Instruction => {
    const shift = row.kind === "alu" && ["lsh", "rsh", "arsh"].includes(row.operation);
    const division = row.kind === "alu" && ["div", "sdiv", "mod", "smod"].includes(row.operation);
    const value = shift ? imm & 31 : division && imm === 0 ? 1 : imm;
    // Atomics work on the stack word that the prologue filled.
    const place = row.kind === "atomic" ? { dst: 10, offset: -8 } : { dst, offset: skipped };
    return {
      opcode: row.opcode,
      dst: row.fixed.dst ?? place.dst,
      src: row.fixed.src ?? src,
      offset: row.fixed.offset ?? place.offset,
      imm: row.fixed.imm ?? value,
    };
  });

const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

/** Folds r1 to r9 and the stack word into r0, so that every register's end counts. Branches may land in it. */
const fold = assemble(
  [1, 2, 3, 4, 5, 6, 7, 8, 9].map((register) => `r0 *= 31\nr0 += r${register}\n`).join("") +
    "r1 = *(u64 *)(r10 - 8)\nr0 ^= r1\nexit",
);

describeKernel("arithmetic, branches and atomics", () => {
  it("agree with the kernel's JIT in random functions", () => {
    const runtime = new Runtime();
    const engines = [new Interpreter(runtime), new Jit(runtime)];
    const jit = new Jit(runtime);
    const registers = fc.array(word, { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(registers, word, fc.array(instruction, { minLength: 10, maxLength: 60 }), (values, stack, body) => {
        const prologue = assemble(
          `r1 = ${stack} ll\n*(u64 *)(r10 - 8) = r1\n${values.map((value, index) => `r${index} = ${value} ll\n`).join("")}`,
        );
        const insns = Uint8Array.from([...prologue, ...encodeInstructions(body), ...fold]);
        const r0 = runOnKernel(insns, new Uint8Array(16));
        for (const engine of engines) {
          const image = engine.prepare({ name: "random", insns });
          expect(runtime.test(image), engine.name).toEqual({ kind: "exit", r0 });
          image.close();
        }
        const unchecked = verifiedFunction(runtime, jit, insns, new Uint8Array(16));
        expect(unchecked?.run(), "unchecked JIT").toBe(r0);
        unchecked?.close();
      }),
      { numRuns: 150 },
    );
  });
});
