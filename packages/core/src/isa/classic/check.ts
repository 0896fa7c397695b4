import { ancillaryLoad, isAncillary } from "./ancillary.js";
import { classicForms } from "./form.js";
import { CLASSIC_MAX_INSTRUCTIONS, CLASSIC_MEMORY_WORDS, type ClassicInstruction } from "./instruction.js";

/** Why the kernel refuses a classic program; the kernel itself only says EINVAL. */
export interface ClassicProblem {
  /** The instruction at fault; undefined where it is the program's length. */
  readonly index: number | undefined;
  readonly code:
    | "length"
    | "unknown_code"
    | "division_by_zero"
    | "shift"
    | "memory_index"
    | "jump_target"
    | "ancillary"
    | "no_return"
    | "uninitialized_memory";
  readonly message: string;
}

/**
 * Whether Linux takes the program: 1 to 4096 instructions that exist, jumps that stay inside, no constant division by
 * zero or shift by 32 and more, a return at the end, and no memory word read that some way there has not written.
 */
export function checkClassic(program: readonly ClassicInstruction[]): ClassicProblem | undefined {
  const { length } = program;
  if (length === 0 || length > CLASSIC_MAX_INSTRUCTIONS) {
    const message = `a classic program has 1 to ${CLASSIC_MAX_INSTRUCTIONS} instructions, not ${length}`;
    return { index: undefined, code: "length", message };
  }
  for (const [index, instruction] of program.entries()) {
    const problem = checkInstruction(instruction, index, length);
    if (problem !== undefined) return problem;
  }
  if (classicForms.get(program[length - 1]!.code)?.kind !== "return") {
    return { index: length - 1, code: "no_return", message: "the last instruction is no return" };
  }
  return checkMemory(program);
}

function checkInstruction(
  { code, jt, jf, k }: ClassicInstruction,
  index: number,
  length: number,
): ClassicProblem | undefined {
  const problem = (what: ClassicProblem["code"], message: string): ClassicProblem => ({ index, code: what, message });
  const form = classicForms.get(code);
  if (form === undefined) return problem("unknown_code", `no classic instruction has code 0x${code.toString(16)}`);
  const following = length - index - 1;
  switch (form.kind) {
    case "alu":
      if (form.operand === "x") return undefined;
      if ((form.operation === "div" || form.operation === "mod") && k === 0) {
        return problem("division_by_zero", "a division by the constant 0");
      }
      if ((form.operation === "lsh" || form.operation === "rsh") && k >= 32) {
        return problem("shift", `a shift by ${k} of 32 bits`);
      }
      return undefined;
    case "load_memory":
    case "store_memory":
      if (k < CLASSIC_MEMORY_WORDS) return undefined;
      return problem("memory_index", `M[${k}] is beyond M[${CLASSIC_MEMORY_WORDS - 1}]`);
    case "goto":
      return k < following ? undefined : problem("jump_target", `a jump over ${k} of ${following} instructions`);
    case "branch": {
      const far = Math.max(jt, jf);
      return far < following ? undefined : problem("jump_target", `a jump over ${far} of ${following} instructions`);
    }
    case "load_packet":
      if (form.indirect || !isAncillary(k) || ancillaryLoad(k) !== undefined) return undefined;
      return problem("ancillary", `Linux has no answer to a load at 0x${k.toString(16)}`);
    default:
      return undefined;
  }
}

/** Every memory word read must be written on all ways there. All jumps lead forward, so one pass finds out. */
function checkMemory(program: readonly ClassicInstruction[]): ClassicProblem | undefined {
  const ALL = 0xffff;
  // Words that are written on every way to an instruction; what nothing leads to counts as having all.
  const written = new Array<number>(program.length).fill(ALL);
  const lead = (to: number, words: number): void => {
    written[to]! &= words;
  };
  written[0] = 0;
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const form = classicForms.get(code)!;
    let words = written[index]!;
    switch (form.kind) {
      case "load_memory":
        if ((words & (1 << k)) === 0) {
          return { index, code: "uninitialized_memory", message: `M[${k}] is read where it may not have been written` };
        }
        break;
      case "store_memory":
        words |= 1 << k;
        break;
      case "goto":
        lead(index + 1 + k, words);
        continue;
      case "branch":
        lead(index + 1 + jt, words);
        lead(index + 1 + jf, words);
        continue;
      default:
        break;
    }
    // A return leads nowhere, but the kernel's check does not know that.
    if (index + 1 < program.length) lead(index + 1, words);
  }
  return undefined;
}
