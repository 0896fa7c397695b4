import { registerAt, TYPE } from "./domain/register.js";
import { accessMemory, accessSize, notePointer, refuseLeak, stepLoad, stepStore } from "./memory.js";
import { ARENA, CTX, FLOW_KEYS, isPacketPointer, isSocketPointer, typeName } from "./pointer-types.js";
import { requireReadable, requireWritable, setUnknownScalar } from "./registers.js";
import type { Walk } from "./walk.js";

/** Atomic operations, in the immediate (RFC 9669 section 5.3); add, or, and, xor by their ALU numbers. */
const FETCH = 0x01;
const EXCHANGE = 0xe1;
const COMPARE_EXCHANGE = 0xf1;
const LOAD_ACQUIRE = 0x100;
const STORE_RELEASE = 0x110;

const readModifyWrite: ReadonlySet<number> = new Set([
  0x00,
  0x01,
  0x40,
  0x41,
  0x50,
  0x51,
  0xa0,
  0xa1,
  EXCHANGE,
  COMPARE_EXCHANGE,
]);

function refusePointer(walk: Walk, register: number, verb: string): void {
  const { analysis } = walk;
  const type = analysis.frame.records[registerAt(register) + TYPE]!;
  if (type !== CTX && !isPacketPointer(type) && type !== FLOW_KEYS && !isSocketPointer(type)) return;
  analysis.deny("memory_access", `BPF_ATOMIC ${verb} R${register} ${typeName(type)} is not allowed`);
}

export function stepAtomic(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const imm = insns.imm[slot]!;
  if (imm === LOAD_ACQUIRE) {
    stepLoad(walk, false, true);
    refusePointer(walk, insns.src[slot]!, "loads from");
  } else if (imm === STORE_RELEASE) {
    stepStore(walk, false, true);
    refusePointer(walk, insns.dst[slot]!, "stores into");
  } else if (readModifyWrite.has(imm)) stepReadModifyWrite(walk, imm);
  else {
    const text = (imm >>> 0).toString(16).padStart(2, "0");
    analysis.invalid("malformed", `BPF_ATOMIC uses invalid atomic opcode ${text}`);
  }
}

function stepReadModifyWrite(walk: Walk, imm: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const size = accessSize(insns.opcode[slot]!);
  const dst = insns.dst[slot]!;
  const src = insns.src[slot]!;
  if (size < 4) analysis.invalid("malformed", "invalid atomic operand size");
  requireReadable(analysis, src);
  requireReadable(analysis, dst);
  if (imm === COMPARE_EXCHANGE) {
    requireReadable(analysis, 0);
    refuseLeak(walk, 0, "mem");
  }
  refuseLeak(walk, src, "mem");
  refusePointer(walk, dst, "stores into");
  const fetched = (imm & FETCH) === 0 ? -1 : imm === COMPARE_EXCHANGE ? 0 : src;
  if (fetched >= 0) {
    requireWritable(analysis, fetched);
    setUnknownScalar(analysis, analysis.frame.records, registerAt(fetched));
  }
  const offset = insns.offset[slot]!;
  const access = { register: dst, offset, size, write: false, value: -1, aligned: true };
  accessMemory(walk, access);
  if (fetched >= 0) accessMemory(walk, { ...access, value: fetched });
  if (analysis.frame.records[registerAt(dst) + TYPE] === ARENA) notePointer(walk, ARENA, false);
  accessMemory(walk, { ...access, write: true });
}
