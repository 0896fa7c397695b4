import type { AccessSize, AluOperation, AtomicOperation, Comparison, WideSource } from "./form.js";
import * as op from "./opcodes.js";
import { type ConformanceGroup, createRow, type InstructionRow, type IsaVersion, type OperandForm } from "./row.js";

// Each family below lists its operations once and spreads them over widths, sizes and operand sources; the RFC defines
// them the same way, and a fact about an operation then stands in one place.

const base = { 32: "base32", 64: "base64" } as const;
const divmul = { 32: "divmul32", 64: "divmul64" } as const;
const atomic = { 4: "atomic32", 8: "atomic64" } as const;

/** operation, code, value of `offset`, groups */
const aluOperations: readonly [AluOperation, number, number, Readonly<Record<32 | 64, ConformanceGroup>>][] = [
  ["add", op.BPF_ADD, 0, base],
  ["sub", op.BPF_SUB, 0, base],
  ["mul", op.BPF_MUL, 0, divmul],
  ["div", op.BPF_DIV, 0, divmul],
  ["sdiv", op.BPF_DIV, 1, divmul],
  ["or", op.BPF_OR, 0, base],
  ["and", op.BPF_AND, 0, base],
  ["lsh", op.BPF_LSH, 0, base],
  ["rsh", op.BPF_RSH, 0, base],
  ["mod", op.BPF_MOD, 0, divmul],
  ["smod", op.BPF_MOD, 1, divmul],
  ["xor", op.BPF_XOR, 0, base],
  ["mov", op.BPF_MOV, 0, base],
  ["arsh", op.BPF_ARSH, 0, base],
];

function* aluRows(): Generator<InstructionRow> {
  const section = "4.1";
  for (const [operation, code, offset, group] of aluOperations) {
    const later = offset === 0 ? {} : { isa: "v4" as const, since: "6.6" };
    for (const width of [64, 32] as const) {
      for (const source of ["imm", "reg"] as const) {
        yield createRow(
          {
            opcode: (width === 64 ? op.BPF_ALU64 : op.BPF_ALU) | code | (source === "reg" ? op.BPF_X : op.BPF_K),
            mnemonic: width === 64 ? operation : `${operation}32`,
            operands: source === "reg" ? "dst, src" : "dst, imm",
            selects: { offset },
            group: group[width],
            section,
            ...later,
          },
          { kind: "alu", operation, width, source },
        );
      }
    }
  }
  for (const width of [64, 32] as const) {
    yield createRow(
      {
        opcode: (width === 64 ? op.BPF_ALU64 : op.BPF_ALU) | op.BPF_NEG,
        mnemonic: width === 64 ? "neg" : "neg32",
        operands: "dst",
        group: base[width],
        section,
      },
      { kind: "neg", width },
    );
  }
}

function* moveRows(): Generator<InstructionRow> {
  for (const [from, width] of [
    [8, 32],
    [16, 32],
    [8, 64],
    [16, 64],
    [32, 64],
  ] as const) {
    yield createRow(
      {
        opcode: (width === 64 ? op.BPF_ALU64 : op.BPF_ALU) | op.BPF_MOV | op.BPF_X,
        mnemonic: `movsx${from}${width}`,
        operands: "dst, src",
        selects: { offset: from },
        isa: "v4",
        group: base[width],
        section: "4.1",
        since: "6.6",
      },
      { kind: "movsx", width, from },
    );
  }
  yield createRow(
    {
      opcode: op.BPF_ALU64 | op.BPF_MOV | op.BPF_X,
      mnemonic: "addr_space_cast",
      operands: "dst, src, imm",
      selects: { offset: op.BPF_ADDR_SPACE_CAST },
      group: "linux",
      since: "6.9",
    },
    { kind: "addr_space_cast" },
  );
}

function* byteSwapRows(): Generator<InstructionRow> {
  for (const [order, opcode] of [
    ["le", op.BPF_ALU | op.BPF_END | op.BPF_TO_LE],
    ["be", op.BPF_ALU | op.BPF_END | op.BPF_TO_BE],
    ["swap", op.BPF_ALU64 | op.BPF_END],
  ] as const) {
    for (const bits of [16, 32, 64] as const) {
      yield createRow(
        {
          opcode,
          mnemonic: `${order}${bits}`,
          operands: "dst",
          selects: { imm: bits },
          group: bits === 64 ? "base64" : "base32",
          section: "4.2",
          ...(order === "swap" ? { isa: "v4", since: "6.6" } : {}),
        },
        { kind: "byte_swap", order, bits },
      );
    }
  }
}

/** source (its index is `src`), operands, first kernel */
const wideSources: readonly [WideSource, OperandForm, string][] = [
  ["imm", "dst, imm64", "3.18"],
  ["map_fd", "dst, imm", "3.18"],
  ["map_value", "dst, imm64", "5.2"],
  ["btf_id", "dst, imm64", "5.10"],
  ["func", "dst, +imm", "5.13"],
  ["map_idx", "dst, imm", "5.14"],
  ["map_idx_value", "dst, imm64", "5.14"],
];

function* wideRows(): Generator<InstructionRow> {
  for (const [src, [source, operands, since]] of wideSources.entries()) {
    yield createRow(
      {
        opcode: op.BPF_LD | op.BPF_IMM | op.BPF_DW,
        mnemonic: "lddw",
        operands,
        selects: { src },
        group: "base64",
        section: "5.4",
        since,
      },
      { kind: "load_imm64", source },
    );
  }
}

/** size, bits of the opcode, suffix of the mnemonic */
const sizes: readonly [AccessSize, number, string][] = [
  [1, op.BPF_B, "b"],
  [2, op.BPF_H, "h"],
  [4, op.BPF_W, "w"],
  [8, op.BPF_DW, "dw"],
];

function* memoryRows(): Generator<InstructionRow> {
  for (const [size, bits, suffix] of sizes) {
    const facts = { group: size === 8 ? "base64" : "base32", section: "5.1" } as const;
    yield createRow(
      { opcode: op.BPF_LDX | op.BPF_MEM | bits, mnemonic: `ldx${suffix}`, operands: "dst, [src+offset]", ...facts },
      { kind: "load", size, signed: false },
    );
    yield createRow(
      { opcode: op.BPF_ST | op.BPF_MEM | bits, mnemonic: `st${suffix}`, operands: "[dst+offset], imm", ...facts },
      { kind: "store", size, source: "imm" },
    );
    yield createRow(
      { opcode: op.BPF_STX | op.BPF_MEM | bits, mnemonic: `stx${suffix}`, operands: "[dst+offset], src", ...facts },
      { kind: "store", size, source: "reg" },
    );
    if (size === 8) continue;
    yield createRow(
      {
        opcode: op.BPF_LDX | op.BPF_MEMSX | bits,
        mnemonic: `ldxs${suffix}`,
        operands: "dst, [src+offset]",
        isa: "v4",
        group: "base32",
        section: "5.2",
        since: "6.6",
      },
      { kind: "load", size, signed: true },
    );
    for (const mode of ["abs", "ind"] as const) {
      yield createRow(
        {
          opcode: op.BPF_LD | (mode === "abs" ? op.BPF_ABS : op.BPF_IND) | bits,
          mnemonic: `ld${mode}${suffix}`,
          operands: mode === "abs" ? "[imm]" : "[src+imm]",
          group: "packet",
          section: "5.5",
          since: "3.19",
        },
        { kind: "load_packet", mode, size },
      );
    }
  }
}

/** operation, `imm` without BPF_FETCH, whether it can do without fetching */
const atomicOperations: readonly [AtomicOperation, number, boolean][] = [
  ["add", op.BPF_ADD, true],
  ["or", op.BPF_OR, true],
  ["and", op.BPF_AND, true],
  ["xor", op.BPF_XOR, true],
  ["xchg", op.BPF_XCHG, false],
  ["cmpxchg", op.BPF_CMPXCHG, false],
];

function* atomicRows(): Generator<InstructionRow> {
  for (const [operation, imm, plain] of atomicOperations) {
    for (const fetch of plain ? [false, true] : [true]) {
      for (const [size, bits] of [
        [8, op.BPF_DW],
        [4, op.BPF_W],
      ] as const) {
        const original = operation === "add" && !fetch;
        yield createRow(
          {
            opcode: op.BPF_STX | op.BPF_ATOMIC | bits,
            mnemonic: `lock ${fetch && plain ? "fetch " : ""}${operation}${size === 4 ? "32" : ""}`,
            operands: "[dst+offset], src",
            selects: { imm: fetch ? imm | op.BPF_FETCH : imm },
            group: atomic[size],
            section: "5.3",
            ...(original ? {} : { isa: "v3", since: "5.12" }),
          },
          { kind: "atomic", operation, fetch, size },
        );
      }
    }
  }
  for (const [size, bits, suffix] of sizes) {
    const facts = { opcode: op.BPF_STX | op.BPF_ATOMIC | bits, isa: "v4", group: "linux", since: "6.15" } as const;
    yield createRow(
      {
        ...facts,
        mnemonic: `load_acquire${suffix}`,
        operands: "dst, [src+offset]",
        selects: { imm: op.BPF_LOAD_ACQ },
      },
      { kind: "load_acquire", size },
    );
    yield createRow(
      {
        ...facts,
        mnemonic: `store_release${suffix}`,
        operands: "[dst+offset], src",
        selects: { imm: op.BPF_STORE_REL },
      },
      { kind: "store_release", size },
    );
  }
}

/** comparison, code, level and first kernel of the 64-bit kind */
const comparisons: readonly [Comparison, number, IsaVersion, string][] = [
  ["eq", op.BPF_JEQ, "v1", "3.18"],
  ["gt", op.BPF_JGT, "v1", "3.18"],
  ["ge", op.BPF_JGE, "v1", "3.18"],
  ["set", op.BPF_JSET, "v1", "3.18"],
  ["ne", op.BPF_JNE, "v1", "3.18"],
  ["sgt", op.BPF_JSGT, "v1", "3.18"],
  ["sge", op.BPF_JSGE, "v1", "3.18"],
  ["lt", op.BPF_JLT, "v2", "4.14"],
  ["le", op.BPF_JLE, "v2", "4.14"],
  ["slt", op.BPF_JSLT, "v2", "4.14"],
  ["sle", op.BPF_JSLE, "v2", "4.14"],
];

function* jumpRows(): Generator<InstructionRow> {
  const section = "4.3";
  for (const [comparison, code, isa, since] of comparisons) {
    for (const width of [64, 32] as const) {
      for (const source of ["imm", "reg"] as const) {
        yield createRow(
          {
            opcode: (width === 64 ? op.BPF_JMP : op.BPF_JMP32) | code | (source === "reg" ? op.BPF_X : op.BPF_K),
            mnemonic: width === 64 ? `j${comparison}` : `j${comparison}32`,
            operands: source === "reg" ? "dst, src, +offset" : "dst, imm, +offset",
            group: base[width],
            section,
            ...(width === 64 ? { isa, since } : { isa: "v3", since: "5.1" }),
          },
          { kind: "branch", comparison, width, source },
        );
      }
    }
  }
  const common = { group: "base32", section } as const;
  const call = { opcode: op.BPF_JMP | op.BPF_CALL, ...common } as const;
  yield* [
    createRow(
      { opcode: op.BPF_JMP | op.BPF_JA, mnemonic: "ja", operands: "+offset", ...common },
      { kind: "goto", long: false },
    ),
    createRow(
      { opcode: op.BPF_JMP32 | op.BPF_JA, mnemonic: "ja32", operands: "+imm", isa: "v4", ...common, since: "6.6" },
      { kind: "goto", long: true },
    ),
    createRow(
      {
        opcode: op.BPF_JMP | op.BPF_JCOND,
        mnemonic: "may_goto",
        operands: "+offset",
        selects: { src: op.BPF_MAY_GOTO },
        group: "linux",
        since: "6.9",
      },
      { kind: "may_goto" },
    ),
    createRow({ ...call, mnemonic: "call", operands: "imm", section: "4.3.1" }, { kind: "call", target: "helper" }),
    createRow(
      {
        ...call,
        mnemonic: "call local",
        operands: "+imm",
        selects: { src: op.BPF_PSEUDO_CALL },
        section: "4.3.2",
        since: "4.16",
      },
      { kind: "call", target: "local" },
    ),
    createRow(
      {
        ...call,
        mnemonic: "call kfunc",
        operands: "imm, offset",
        selects: { src: op.BPF_PSEUDO_KFUNC_CALL },
        section: "4.3.1",
        since: "5.13",
      },
      { kind: "call", target: "kfunc" },
    ),
    createRow(
      {
        opcode: op.BPF_JMP | op.BPF_CALL | op.BPF_X,
        mnemonic: "callx",
        operands: "dst",
        group: "callx",
        since: undefined,
      },
      { kind: "call", target: "register" },
    ),
    createRow({ opcode: op.BPF_JMP | op.BPF_EXIT, mnemonic: "exit", operands: "none", ...common }, { kind: "exit" }),
  ];
}

/**
 * THE instruction table: every encoding that RFC 9669, Linux 6.18 or the conformance suite defines. Decoding, assembly,
 * disassembly and validity all follow from it.
 */
export const instructionTable: readonly InstructionRow[] = Object.freeze([
  ...aluRows(),
  ...moveRows(),
  ...byteSwapRows(),
  ...wideRows(),
  ...memoryRows(),
  ...atomicRows(),
  ...jumpRows(),
]);
