import * as op from "../opcodes.js";
import * as classic from "./opcodes.js";

/** Binary operations of the accumulator. */
export type ClassicAluOperation = "add" | "sub" | "mul" | "div" | "mod" | "and" | "or" | "xor" | "lsh" | "rsh";

/** Unsigned comparisons of the accumulator; `jset` tests common bits. */
export type ClassicComparison = "jeq" | "jgt" | "jge" | "jset";

/** What a classic instruction does, as a union for exhaustive switches. */
export type ClassicForm =
  /** A = packet at k, or at X + k, from network byte order. */
  | { readonly kind: "load_packet"; readonly size: 1 | 2 | 4; readonly indirect: boolean }
  /** A or X = the packet's length. */
  | { readonly kind: "load_length"; readonly to: "a" | "x" }
  | { readonly kind: "load_constant"; readonly to: "a" | "x" }
  | { readonly kind: "load_memory"; readonly to: "a" | "x" }
  /** X = 4 * (byte at k & 15): the length of an IPv4 header. */
  | { readonly kind: "load_header_length" }
  | { readonly kind: "store_memory"; readonly from: "a" | "x" }
  | { readonly kind: "alu"; readonly operation: ClassicAluOperation; readonly operand: "k" | "x" }
  | { readonly kind: "neg" }
  | { readonly kind: "goto" }
  | { readonly kind: "branch"; readonly comparison: ClassicComparison; readonly operand: "k" | "x" }
  | { readonly kind: "transfer"; readonly to: "a" | "x" }
  | { readonly kind: "return"; readonly value: "k" | "a" };

const sizes = [
  [1, op.BPF_B],
  [2, op.BPF_H],
  [4, op.BPF_W],
] as const;
const aluOperations: readonly (readonly [ClassicAluOperation, number])[] = [
  ["add", op.BPF_ADD],
  ["sub", op.BPF_SUB],
  ["mul", op.BPF_MUL],
  ["div", op.BPF_DIV],
  ["or", op.BPF_OR],
  ["and", op.BPF_AND],
  ["lsh", op.BPF_LSH],
  ["rsh", op.BPF_RSH],
  ["mod", op.BPF_MOD],
  ["xor", op.BPF_XOR],
];
const comparisons: readonly (readonly [ClassicComparison, number])[] = [
  ["jeq", op.BPF_JEQ],
  ["jgt", op.BPF_JGT],
  ["jge", op.BPF_JGE],
  ["jset", op.BPF_JSET],
];
const operands = [
  ["k", op.BPF_K],
  ["x", op.BPF_X],
] as const;

/** All codes that the kernel takes, and what they mean. */
export const classicForms: ReadonlyMap<number, ClassicForm> = new Map<number, ClassicForm>([
  ...sizes.map(
    ([size, bits]) => [op.BPF_LD | bits | op.BPF_ABS, { kind: "load_packet", size, indirect: false }] as const,
  ),
  ...sizes.map(
    ([size, bits]) => [op.BPF_LD | bits | op.BPF_IND, { kind: "load_packet", size, indirect: true }] as const,
  ),
  [op.BPF_LD | op.BPF_W | classic.BPF_LEN, { kind: "load_length", to: "a" }],
  [op.BPF_LDX | op.BPF_W | classic.BPF_LEN, { kind: "load_length", to: "x" }],
  [op.BPF_LD | op.BPF_IMM, { kind: "load_constant", to: "a" }],
  [op.BPF_LDX | op.BPF_IMM, { kind: "load_constant", to: "x" }],
  [op.BPF_LD | op.BPF_MEM, { kind: "load_memory", to: "a" }],
  [op.BPF_LDX | op.BPF_MEM, { kind: "load_memory", to: "x" }],
  [op.BPF_LDX | op.BPF_B | classic.BPF_MSH, { kind: "load_header_length" }],
  [op.BPF_ST, { kind: "store_memory", from: "a" }],
  [op.BPF_STX, { kind: "store_memory", from: "x" }],
  ...aluOperations.flatMap(([operation, code]) =>
    operands.map(([operand, bit]) => [op.BPF_ALU | code | bit, { kind: "alu", operation, operand }] as const),
  ),
  [op.BPF_ALU | op.BPF_NEG, { kind: "neg" }],
  [op.BPF_JMP | op.BPF_JA, { kind: "goto" }],
  ...comparisons.flatMap(([comparison, code]) =>
    operands.map(([operand, bit]) => [op.BPF_JMP | code | bit, { kind: "branch", comparison, operand }] as const),
  ),
  [classic.BPF_MISC | classic.BPF_TAX, { kind: "transfer", to: "x" }],
  [classic.BPF_MISC | classic.BPF_TXA, { kind: "transfer", to: "a" }],
  [classic.BPF_RET | op.BPF_K, { kind: "return", value: "k" }],
  [classic.BPF_RET | classic.BPF_A, { kind: "return", value: "a" }],
]);
