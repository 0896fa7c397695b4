/** Arithmetic with two operands. `sdiv` and `smod` are `div` and `mod` with `offset` 1. */
export type AluOperation =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "sdiv"
  | "or"
  | "and"
  | "lsh"
  | "rsh"
  | "mod"
  | "smod"
  | "xor"
  | "mov"
  | "arsh";

/** Conditions of a branch; those with an `s` compare as signed numbers, `set` tests common bits. */
export type Comparison = "eq" | "gt" | "ge" | "set" | "ne" | "sgt" | "sge" | "lt" | "le" | "slt" | "sle";

/** Read-modify-write operations on memory. */
export type AtomicOperation = "add" | "or" | "and" | "xor" | "xchg" | "cmpxchg";

/** What the immediate of a lddw stands for, in the order of its `src` field (0 to 6). */
export type WideSource = "imm" | "map_fd" | "map_value" | "btf_id" | "func" | "map_idx" | "map_idx_value";

/** What a call goes to: a helper by number, a function of the program, a kernel function by BTF id, or a register. */
export type CallTarget = "helper" | "local" | "kfunc" | "register";

/** Bits of an arithmetic operation or comparison. */
export type Width = 32 | 64;

/** Bytes of a memory access. */
export type AccessSize = 1 | 2 | 4 | 8;

/** Whether the second operand is `imm` or the register `src`. */
export type OperandSource = "imm" | "reg";

/**
 * What an instruction does, as a union that a `switch (form.kind)` exhausts at compile time. Fields that vary within a
 * kind are values, so that a consumer decides itself whether it treats, say, `sdiv` on its own.
 */
export type InstructionForm =
  /** `dst op= operand`; the 32-bit kind zero-extends its result. */
  | {
      readonly kind: "alu";
      readonly operation: AluOperation;
      readonly width: Width;
      readonly source: OperandSource;
    }
  /** `dst = -dst`. */
  | { readonly kind: "neg"; readonly width: Width }
  /** `dst = (s8, s16 or s32)src`, sign-extended from `from` bits to `width`. */
  | { readonly kind: "movsx"; readonly width: Width; readonly from: 8 | 16 | 32 }
  /** `le`/`be` convert to that byte order and cut to `bits`; `swap` always swaps. */
  | { readonly kind: "byte_swap"; readonly order: "le" | "be" | "swap"; readonly bits: 16 | 32 | 64 }
  /** Arena pointers; `imm` is the destination's address space in its upper, the source's in its lower half. */
  | { readonly kind: "addr_space_cast" }
  /** lddw, the instruction of two slots. */
  | { readonly kind: "load_imm64"; readonly source: WideSource }
  /** `dst = *(size *)(src + offset)`, zero- or sign-extended to 64 bits. */
  | { readonly kind: "load"; readonly size: AccessSize; readonly signed: boolean }
  /** `*(size *)(dst + offset) = operand`. */
  | { readonly kind: "store"; readonly size: AccessSize; readonly source: OperandSource }
  /** `*(size *)(dst + offset) op= src`; with `fetch` the old value lands in src, or in r0 for cmpxchg. */
  | {
      readonly kind: "atomic";
      readonly operation: AtomicOperation;
      readonly fetch: boolean;
      readonly size: 4 | 8;
    }
  /** `dst = *(size *)(src + offset)` with acquire ordering. */
  | { readonly kind: "load_acquire"; readonly size: AccessSize }
  /** `*(size *)(dst + offset) = src` with release ordering. */
  | { readonly kind: "store_release"; readonly size: AccessSize }
  /** Deprecated packet access: r0 = packet at `imm` (abs) or `src + imm` (ind), from network byte order. r6 is the skb. */
  | { readonly kind: "load_packet"; readonly mode: "abs" | "ind"; readonly size: 1 | 2 | 4 }
  /** Unconditional; the distance is `offset`, or `imm` in the `long` kind (gotol). */
  | { readonly kind: "goto"; readonly long: boolean }
  /** `if dst comparison operand goto +offset`. */
  | {
      readonly kind: "branch";
      readonly comparison: Comparison;
      readonly width: Width;
      readonly source: OperandSource;
    }
  /** Falls through until the kernel's loop budget runs out, then jumps. */
  | { readonly kind: "may_goto" }
  | { readonly kind: "call"; readonly target: CallTarget }
  | { readonly kind: "exit" };

/** What an instruction does. */
export type InstructionKind = InstructionForm["kind"];
