import type { ProgramType } from "../../abi/index.js";
import { encodeInstructions, type Instruction } from "../../isa/index.js";
import type { MapSpec, ProgramSpec, Reference } from "../../spec/index.js";

/** A map spec with the defaults that most tests want: u32 key, u64 value, 16 entries. */
export function mapSpec(type: MapSpec["type"], changes: Partial<MapSpec> = {}): MapSpec {
  return {
    name: "contract",
    type,
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
    flags: 0,
    numaNode: 0,
    mapExtra: 0n,
    pinning: "none",
    keyTypeId: 0,
    valueTypeId: 0,
    contents: [],
    freeze: false,
    autocreate: true,
    ...changes,
  };
}

/** A program spec of bare instructions. */
export function programSpec(
  type: ProgramType,
  insns: readonly Instruction[],
  references: readonly Reference[] = [],
): ProgramSpec {
  return {
    name: "contract",
    section: "",
    type,
    flags: 0,
    license: "GPL",
    kernelVersion: 0,
    autoload: true,
    insns: encodeInstructions(insns),
    references,
    functions: [],
    lines: [],
    coreRelocations: [],
  };
}

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});

/** The few instructions that the contract's programs are made of, by their assembly. */
export const asm = {
  /** `r<dst> = imm` */
  mov: (dst: number, imm: number) => insn(0xb7, dst, 0, 0, imm),
  /** `r<dst> = r<src>` */
  movReg: (dst: number, src: number) => insn(0xbf, dst, src, 0, 0),
  /** `r<dst> += imm` */
  add: (dst: number, imm: number) => insn(0x07, dst, 0, 0, imm),
  /** `r<dst> = *(u32 *)(r<src> + offset)` */
  load32: (dst: number, src: number, offset: number) => insn(0x61, dst, src, offset, 0),
  /** `r<dst> = *(u8 *)(r<src> + offset)` */
  load8: (dst: number, src: number, offset: number) => insn(0x71, dst, src, offset, 0),
  /** `*(u8 *)(r<dst> + offset) = imm` */
  store8: (dst: number, offset: number, imm: number) => insn(0x72, dst, 0, offset, imm),
  /** `*(u32 *)(r<dst> + offset) = imm` */
  store32: (dst: number, offset: number, imm: number) => insn(0x62, dst, 0, offset, imm),
  /** `*(u64 *)(r<dst> + offset) = r<src>` */
  store64Reg: (dst: number, src: number, offset: number) => insn(0x7b, dst, src, offset, 0),
  /** `lock *(u64 *)(r<dst> + offset) += r<src>` */
  atomicAdd64: (dst: number, src: number, offset: number) => insn(0xdb, dst, src, offset, 0),
  /** `if r<dst> > r<src> goto +slots` */
  jumpGreater: (dst: number, src: number, slots: number) => insn(0x2d, dst, src, slots, 0),
  /** `if r<dst> == imm goto +slots` */
  jumpEqual: (dst: number, imm: number, slots: number) => insn(0x15, dst, 0, slots, imm),
  /** A map's lddw, two slots, to go with a reference of kind `"map"`. */
  loadMap: (dst: number): Instruction => ({ ...insn(0x18, dst, 1, 0, 0), immHigh: 0 }),
  /** `call helper` */
  call: (helper: number) => insn(0x85, 0, 0, 0, helper),
  exit: () => insn(0x95, 0, 0, 0, 0),
};

/** A u32 key or value, little-endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A u64 value, little-endian. */
export function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** The errno's name of what `action` throws, or `"no error"`. */
export function errnoOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { errnoName?: string }).errnoName ?? String(error);
  }
  return "no error";
}
