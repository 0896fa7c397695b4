/**
 * The parts of an opcode, under the names that the kernel's headers and every BPF tool give them.
 *
 * Load and store classes (LD, LDX, ST, STX):      Arithmetic and jump classes (ALU, ALU64, JMP, JMP32):
 *
 *     7   5 4  3 2     0                              7     4  3  2     0
 *     | mode |size|class|                             | code  |src|class|
 *
 * @see RFC 9669 section 3.3, 4 and 5
 */

/** Mask of the class: the low three bits of every opcode. */
export const BPF_CLASS_MASK = 0x07;
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
/** Class 6 is RET in classic BPF. */
export const BPF_JMP32 = 0x06;
/** Class 7 is MISC in classic BPF. */
export const BPF_ALU64 = 0x07;

/** Mask of a load's or store's size. */
export const BPF_SIZE_MASK = 0x18;
/** 4 bytes. */
export const BPF_W = 0x00;
/** 2 bytes. */
export const BPF_H = 0x08;
/** 1 byte. */
export const BPF_B = 0x10;
/** 8 bytes. */
export const BPF_DW = 0x18;

/** Mask of a load's or store's addressing mode. */
export const BPF_MODE_MASK = 0xe0;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
/** Sign-extending load. */
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

/** Mask of the source operand: immediate or register. */
export const BPF_SRC_MASK = 0x08;
/** The operand is `imm`, sign-extended in 64-bit operations. */
export const BPF_K = 0x00;
/** The operand is the register `src`. */
export const BPF_X = 0x08;

/** Mask of an arithmetic or jump operation. */
export const BPF_OP_MASK = 0xf0;
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

/** In class ALU, the source bit of BPF_END: little or big endian. */
export const BPF_TO_LE = 0x00;
export const BPF_TO_BE = 0x08;

export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
/** Conditional pseudo jumps; `src` says which, and 0 (may_goto) is the only one. */
export const BPF_JCOND = 0xe0;
export const BPF_MAY_GOTO = 0;

/** Bit of an atomic's `imm`: the old value comes back in a register. */
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe1;
export const BPF_CMPXCHG = 0xf1;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

/** `src` of a lddw: what its immediate stands for. 0 is the constant itself. */
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

/** `src` of a call: 0 is a helper by number. */
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;

/** `offset` of a 64-bit register move that converts between address spaces of an arena. */
export const BPF_ADDR_SPACE_CAST = 1;

/** Number of registers, r0 to r10; r10 is the read-only frame pointer. */
export const MAX_BPF_REG = 11;
export const BPF_REG_FP = 10;
