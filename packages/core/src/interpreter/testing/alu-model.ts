import type { Instruction, InstructionRow } from "../../isa/index.js";

// A second, independent statement of the arithmetic in RFC 9669 section 4: on mathematical integers, straight from the
// text, slow. Nothing of it is shared with the interpreter.

const unsigned = (value: bigint, bits: number) =>
  ((value % 2n ** BigInt(bits)) + 2n ** BigInt(bits)) % 2n ** BigInt(bits);

const signed = (value: bigint, bits: number) => {
  const wrapped = unsigned(value, bits);
  return wrapped >= 2n ** BigInt(bits - 1) ? wrapped - 2n ** BigInt(bits) : wrapped;
};

function floorModulo(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}

/** `bits`-wide `a operation b`, both taken modulo 2^bits; the result unsigned. */
function arithmetic(operation: string, a: bigint, b: bigint, bits: number): bigint {
  const shift = Number(floorModulo(b, BigInt(bits)));
  const [sa, sb] = [signed(a, bits), signed(b, bits)];
  const results: Record<string, () => bigint> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    div: () => (b === 0n ? 0n : a / b),
    sdiv: () => (sb === 0n ? 0n : sa / sb),
    mod: () => (b === 0n ? a : a % b),
    smod: () => (sb === 0n ? sa : sa % sb),
    or: () => a | b,
    and: () => a & b,
    xor: () => a ^ b,
    mov: () => b,
    lsh: () => a * 2n ** BigInt(shift),
    rsh: () => a / 2n ** BigInt(shift),
    // Floor division, where BigInt's `/` truncates.
    arsh: () => (sa - floorModulo(sa, 2n ** BigInt(shift))) / 2n ** BigInt(shift),
  };
  return unsigned(results[operation]!(), bits);
}

function reverseBytes(value: bigint, bits: number): bigint {
  const hex = unsigned(value, bits)
    .toString(16)
    .padStart(bits / 4, "0");
  return BigInt(`0x${hex.match(/../g)!.reverse().join("")}`);
}

/** The new value of dst, given dst, src and the instruction; all values unsigned 64-bit. */
export function modelAlu(row: InstructionRow, instruction: Instruction, dst: bigint, src: bigint): bigint {
  switch (row.kind) {
    case "alu": {
      const operand = row.source === "reg" ? src : BigInt(instruction.imm);
      return arithmetic(row.operation, unsigned(dst, row.width), unsigned(operand, row.width), row.width);
    }
    case "neg":
      return unsigned(-dst, row.width);
    case "movsx":
      return unsigned(signed(src, row.from), row.width);
    case "byte_swap":
      return row.order === "le" ? unsigned(dst, row.bits) : reverseBytes(dst, row.bits);
    default:
      throw new Error(`${row.mnemonic} is no arithmetic`);
  }
}

/** Whether a branch is taken. */
export function modelBranch(row: InstructionRow, instruction: Instruction, dst: bigint, src: bigint): boolean {
  if (row.kind !== "branch") throw new Error(`${row.mnemonic} is no branch`);
  const operand = row.source === "reg" ? src : BigInt(instruction.imm);
  const [a, b] = [unsigned(dst, row.width), unsigned(operand, row.width)];
  const [sa, sb] = [signed(a, row.width), signed(b, row.width)];
  const results = {
    eq: a === b,
    ne: a !== b,
    gt: a > b,
    ge: a >= b,
    lt: a < b,
    le: a <= b,
    set: (a & b) !== 0n,
    sgt: sa > sb,
    sge: sa >= sb,
    slt: sa < sb,
    sle: sa <= sb,
  };
  return results[row.comparison];
}
