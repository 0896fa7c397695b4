import {
  AssembleError,
  assemble,
  assembleObject,
  BpfError,
  checkClassic,
  decodeClassic,
  disassemble,
  encodeClassic,
  FormatError,
  InstructionList,
  NotSupportedError,
  parseClassic,
  runClassic,
  translateClassic,
} from "@tsbpf/core";
import { describe, expect, it } from "vitest";
import { assembledByLlvm } from "../../packages/core/src/isa/testing/assembled-by-llvm.js";
import { recordedFilters } from "../../packages/core/src/isa/testing/recorded-filters.js";
import { recordedLines } from "../../packages/core/src/isa/testing/recorded-lines.js";
import { fuzz, type Random } from "./budget.js";
import { mutate } from "./mutation.js";

const statements = [
  ...assembledByLlvm.map(([source]) => source),
  ...recordedLines.flatMap(([, kernel, llvm]) => [kernel, llvm]).filter((line) => line !== undefined),
  "mov32 %r0, 0",
  "lock fetch add [%r10-8], %r1",
  "call local f",
  ".map m hash 4 8 16",
  "r1 = map[m][0]+8",
  '.section "tp/x", "aw"',
  ".globl f\nf:",
  '.asciz "a\\x41\\n"',
  ".quad f, 7",
  ".comm c, 8, 8",
];

/** Some statements with characters of theirs changed, dropped and doubled. */
function createSource(random: Random): string {
  let text = Array.from({ length: 1 + random.below(6) }, () => random.pick(statements)).join(random.pick(["\n", "; "]));
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(text.length + 1);
    const insert = random.pick([
      "",
      "",
      text.slice(at, at + random.below(12)),
      random.pick([..."()[]*+-=:;,#\"'\n 09xrw%"]),
    ]);
    text = text.slice(0, at) + insert + text.slice(at + random.below(3));
  }
  return text;
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("fuzzing isa", () => {
  it("assembles, or throws AssembleError with a place inside the source", () => {
    fuzz(2000, (random, seed) => {
      const source = createSource(random);
      const error = errorOf(() => assembleObject(source, { undefinedNames: random.pick(["refuse", "extern"]) }));
      if (error === undefined) return;
      expect(error, `seed ${seed}: ${source}`).toBeInstanceOf(AssembleError);
      const { line, column } = error as AssembleError;
      expect(line, source).toBeLessThanOrEqual(source.split("\n").length);
      expect(column, source).toBeLessThanOrEqual(source.split("\n")[line - 1]!.length + 1);
    });
  });

  it("gives any bytes back from their listing", () => {
    const valid = recordedLines.map(([hex]) => hex);
    fuzz(1000, (random, seed) => {
      const hex = Array.from({ length: 1 + random.below(8) }, () => random.pick(valid)).join("");
      const bytes = Uint8Array.from(hex.match(/../g)!, (digits) => Number.parseInt(digits, 16));
      const mutant = mutate(bytes, random);
      const program = mutant.subarray(0, mutant.length & ~7);
      const lines = disassemble(program, { style: "assembly" });
      const source = lines.map(({ label, text }) => (label === undefined ? text : `${label}: ${text}`)).join("\n");
      expect(assemble(source), `seed ${seed}: ${source}`).toEqual(program.slice());
      for (const style of ["kernel", "llvm"] as const)
        expect(disassemble(program, { style }).length).toBe(lines.length);
    });
  });

  it("edits programs, or refuses with BpfError", () => {
    const valid = recordedLines.map(([hex]) => hex);
    fuzz(500, (random, seed) => {
      const hex = Array.from({ length: 1 + random.below(8) }, () => random.pick(valid)).join("");
      const bytes = Uint8Array.from(hex.match(/../g)!, (digits) => Number.parseInt(digits, 16));
      const error = errorOf(() => {
        const list = new InstructionList(random.below(2) === 0 ? bytes : mutate(bytes, random));
        const before = list.encode();
        const index = random.below(list.length + 1);
        list.insert(
          index,
          list
            .instructions()
            .slice(0, random.below(3))
            .filter(({ opcode }) => (opcode & 7) !== 5 && (opcode & 7) !== 6 && opcode !== 0x18),
        );
        list.remove(index, list.length - new InstructionList(before).length);
        expect(list.encode(), `seed ${seed}`).toEqual(before);
      });
      if (error !== undefined && !(error instanceof BpfError)) throw error;
    });
  });

  it("checks classic programs, and runs and translates what passed", () => {
    fuzz(1000, (random, seed) => {
      const filter = random.pick(recordedFilters);
      const mutant = mutate(encodeClassic(parseClassic(filter.plain)), random);
      const program = decodeClassic(mutant.subarray(0, mutant.length & ~7));
      if (checkClassic(program) !== undefined) return;
      const result = runClassic(
        program,
        Uint8Array.from({ length: random.below(100) }, () => random.next()),
      );
      expect(result >>> 0, `seed ${seed}`).toBe(result);
      const error = errorOf(() => translateClassic(program));
      if (error !== undefined) expect(error, `seed ${seed}`).toBeInstanceOf(NotSupportedError);
    });
  });

  it("reads classic programs as text, or throws AssembleError", () => {
    fuzz(1000, (random) => {
      const text = new TextDecoder().decode(
        mutate(new TextEncoder().encode(random.pick(recordedFilters).optimized), random),
      );
      const error = errorOf(() => parseClassic(text));
      if (error !== undefined) expect(error).toBeInstanceOf(AssembleError);
    });
    expect(errorOf(() => decodeClassic(new Uint8Array(3)))).toBeInstanceOf(FormatError);
  });
});
