import { ByteWriter, FormatError } from "../base/index.js";

/** Bytes of one slot, the unit that jumps, calls and offsets count in. A lddw takes two. */
export const SLOT_SIZE = 8;

/** The opcode of the only instruction of two slots: a 64-bit immediate load (RFC 9669 section 5.4). */
export const OPCODE_LDDW = 0x18;
/** A call by number; the source register tells of what: a helper, a function of the program, a kernel function. */
export const OPCODE_CALL = 0x85;
export const OPCODE_EXIT = 0x95;

/**
 * One instruction as a value.
 *
 *     byte 0    byte 1 (low, high nibble)  bytes 2-3   bytes 4-7
 *     opcode    dst, src                   offset      imm
 *
 * A 64-bit immediate load is one instruction of two slots; its second slot is an opcode of 0 whose `imm` is the upper
 * half of the constant.
 *
 * @see RFC 9669 section 3
 */
export interface Instruction {
  readonly opcode: number;
  /** Destination register, 0 to 15 as encoded (0 to 10 are meaningful). */
  readonly dst: number;
  readonly src: number;
  /** Signed 16 bits. */
  readonly offset: number;
  /** Signed 32 bits. */
  readonly imm: number;
  /** Signed upper 32 bits of a lddw's constant; absent on every other instruction. */
  readonly immHigh?: number;
}

/** Slots that `instruction` takes: 2 for lddw, else 1. */
export function slotCount(instruction: { readonly opcode: number }): 1 | 2 {
  return instruction.opcode === OPCODE_LDDW ? 2 : 1;
}

/**
 * A program's slots as columns, the form that the verifier, the engines and the disassembler work on. It takes any
 * multiple of 8 bytes, however meaningless: judging them is not the decoder's business.
 */
export interface Slots {
  /** Number of slots. */
  readonly length: number;
  readonly opcode: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly offset: Int16Array;
  readonly imm: Int32Array;
}

/**
 * Splits little-endian program bytes into columns.
 *
 * @throws FormatError when the length is not a multiple of 8 bytes.
 */
export function decodeSlots(bytes: Uint8Array): Slots {
  if (bytes.length % SLOT_SIZE !== 0) {
    throw new FormatError(`a program's size is a multiple of ${SLOT_SIZE} bytes, not ${bytes.length}`, {
      offset: bytes.length - (bytes.length % SLOT_SIZE),
    });
  }
  const length = bytes.length / SLOT_SIZE;
  const slots = {
    length,
    opcode: new Uint8Array(length),
    dst: new Uint8Array(length),
    src: new Uint8Array(length),
    offset: new Int16Array(length),
    imm: new Int32Array(length),
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let slot = 0, at = 0; slot < length; slot++, at += SLOT_SIZE) {
    const registers = view.getUint8(at + 1);
    slots.opcode[slot] = view.getUint8(at);
    slots.dst[slot] = registers & 0xf;
    slots.src[slot] = registers >> 4;
    slots.offset[slot] = view.getInt16(at + 2, true);
    slots.imm[slot] = view.getInt32(at + 4, true);
  }
  return slots;
}

/** The inverse of {@link decodeSlots}. */
export function encodeSlots(slots: Slots): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(slots.length * SLOT_SIZE);
  const view = new DataView(bytes.buffer);
  for (let slot = 0, at = 0; slot < slots.length; slot++, at += SLOT_SIZE) {
    view.setUint8(at, slots.opcode[slot]!);
    view.setUint8(at + 1, (slots.src[slot]! << 4) | slots.dst[slot]!);
    view.setInt16(at + 2, slots.offset[slot]!, true);
    view.setInt32(at + 4, slots.imm[slot]!, true);
  }
  return bytes;
}

/**
 * Program bytes to instruction values.
 *
 * @throws FormatError for a length that is no multiple of 8, and for a lddw whose second slot is missing or isn't the
 * blank slot that carries the upper half; {@link decodeSlots} takes those too.
 */
export function decodeInstructions(bytes: Uint8Array): Instruction[] {
  const slots = decodeSlots(bytes);
  const instructions: Instruction[] = [];
  for (let slot = 0; slot < slots.length; slot++) {
    const first = {
      opcode: slots.opcode[slot]!,
      dst: slots.dst[slot]!,
      src: slots.src[slot]!,
      offset: slots.offset[slot]!,
      imm: slots.imm[slot]!,
    };
    if (first.opcode !== OPCODE_LDDW) {
      instructions.push(first);
      continue;
    }
    slot++;
    const blank =
      slot < slots.length && (slots.opcode[slot]! | slots.dst[slot]! | slots.src[slot]! | slots.offset[slot]!) === 0;
    if (!blank) {
      throw new FormatError("a 64-bit immediate load without its second slot", { offset: (slot - 1) * SLOT_SIZE });
    }
    instructions.push({ ...first, immHigh: slots.imm[slot]! });
  }
  return instructions;
}

/** Instruction values to little-endian program bytes. */
export function encodeInstructions(instructions: Iterable<Instruction>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter({ capacity: 1024 });
  for (const instruction of instructions) writeInstruction(writer, instruction);
  return writer.finish();
}

/** Appends one instruction, of one or two slots. */
export function writeInstruction(writer: ByteWriter, insn: Instruction): void {
  writer
    .u8(insn.opcode)
    .u8((insn.src << 4) | insn.dst)
    .u16(insn.offset & 0xffff)
    .u32(insn.imm >>> 0);
  if (insn.opcode === OPCODE_LDDW) writer.u32(0).u32((insn.immHigh ?? 0) >>> 0);
}
