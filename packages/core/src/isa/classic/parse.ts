import { AssembleError } from "../../base/index.js";
import { CLASSIC_MAX_INSTRUCTIONS, type ClassicInstruction } from "./instruction.js";

/**
 * Reads what `tcpdump -ddd` prints (the number of instructions, then `code jt jf k` a line, in decimal), what
 * `tcpdump -dd` prints (`{ 0x28, 0, 0, 0x0000000c },`), and the one-line kind of `tc` and `iptables -m bpf`
 * (`4,40 0 0 12,...`).
 *
 * @throws AssembleError for text that is neither, numbers that don't fit, and a wrong count.
 */
export function parseClassic(text: string): ClassicInstruction[] {
  const program: ClassicInstruction[] = [];
  let announced: number | undefined;
  const braces = text.includes("{");
  const entry = braces ? /\{([^{}]*)\}\s*,?/y : /([^,\n]*)(?:[,\n]|$)/y;
  for (let at = 0; at < text.length; ) {
    const blank = /\s*/y;
    blank.lastIndex = at;
    at += blank.exec(text)![0].length;
    if (at >= text.length) break;
    entry.lastIndex = at;
    const found = entry.exec(text);
    if (found === null || found[0].length === 0) throw errorAt(text, at, 'expected "{"');
    const numbers = readNumbers(found[1]!, text, at);
    if (!braces && announced === undefined) {
      if (numbers.length !== 1) throw errorAt(text, at, "expected the number of instructions");
      announced = numbers[0]!;
    } else {
      program.push(toInstruction(numbers, text, at));
      if (program.length > CLASSIC_MAX_INSTRUCTIONS) {
        throw errorAt(text, at, `a classic program has at most ${CLASSIC_MAX_INSTRUCTIONS} instructions`);
      }
    }
    at = entry.lastIndex;
  }
  if (announced !== undefined && announced !== program.length) {
    throw errorAt(text, text.length, `${announced} instructions were announced, and ${program.length} are there`);
  }
  if (program.length === 0) throw errorAt(text, 0, "expected the number of instructions, or a list in braces");
  return program;
}

function readNumbers(entry: string, text: string, at: number): number[] {
  const words = entry.trim().split(/[\s,]+/, 5);
  return words.map((word) => {
    if (!/^(?:0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(word)) {
      throw errorAt(text, at, `expected numbers, but found ${JSON.stringify(word.slice(0, 40))}`);
    }
    return Number(word);
  });
}

function toInstruction(numbers: readonly number[], text: string, at: number): ClassicInstruction {
  if (numbers.length !== 4) throw errorAt(text, at, "expected code, jt, jf and k");
  const [code, jt, jf, k] = numbers as [number, number, number, number];
  if (code > 0xffff || jt > 0xff || jf > 0xff || k > 0xffffffff) {
    throw errorAt(text, at, "code has 16 bits, jt and jf have 8, k has 32");
  }
  return { code, jt, jf, k };
}

function errorAt(text: string, at: number, message: string): AssembleError {
  const before = text.slice(0, at).split("\n");
  return new AssembleError(message, before.length, before.at(-1)!.length + 1);
}
