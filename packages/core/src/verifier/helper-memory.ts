import { accessBtfObject } from "./btf-access.js";
import { accessContext } from "./context-access.js";
import { AUX, isConstant, OFF, registerAt, SMIN, TYPE, UMAX, UMIN } from "./domain/register.js";
import { checkMapMode, checkMapValueRegion, mapIn } from "./map-values.js";
import { checkBuffer, checkPacketAccess } from "./memory.js";
import { checkRegion } from "./memory-region.js";
import {
  BTF_ID,
  BUF,
  CTX,
  KIND,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  PACKET,
  PACKET_META,
  READ_ONLY,
  STACK,
  typeName,
} from "./pointer-types.js";
import { isNull, unsignedNumber } from "./registers.js";
import { checkStackRange, type RawAccess } from "./stack-access.js";
import type { Walk } from "./walk.js";

/** Sizes end here (`BPF_MAX_VAR_SIZ`). */
const MAX_SIZE = 1 << 29;

/** Program types whose context is the very memory that the program sees, not rewritten. */
const plainContexts: ReadonlySet<string> = new Set([
  "syscall",
  "kprobe",
  "tracepoint",
  "raw_tracepoint",
  "raw_tracepoint_writable",
  "tracing",
  "lsm",
  "struct_ops",
]);

/** What a call does with the memory behind a pointer. */
export interface CallMemory {
  readonly write: boolean;
  readonly zeroSizeAllowed: boolean;
  /** The call fills it without reading it; takes note of where. */
  readonly raw?: RawAccess | undefined;
}

/** `size` bytes behind a pointer argument. */
export function checkCallMemory(walk: Walk, register: number, size: number, use: CallMemory): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  const off = records[at + OFF]!;
  switch (type & KIND) {
    case PACKET:
    case PACKET_META:
      checkPacketAccess(walk, register, off, size, use.zeroSizeAllowed);
      return;
    case MAP_KEY:
      if (use.write) refuseWrite(walk, register, type);
      checkRegion(analysis, register, off, size, mapIn(walk, register).keySize, false);
      return;
    case MAP_VALUE:
      checkMapMode(walk, register, off, size, use.write);
      checkMapValueRegion(walk, register, off, size, use.zeroSizeAllowed, false);
      return;
    case MEM:
      if (use.write && (type & READ_ONLY) !== 0) refuseWrite(walk, register, type);
      checkRegion(analysis, register, off, size, records[at + AUX]! >>> 0, use.zeroSizeAllowed);
      return;
    case BUF:
      if (use.write && (type & READ_ONLY) !== 0) refuseWrite(walk, register, type);
      checkBuffer(walk, register, off, size, (type & READ_ONLY) !== 0 ? "rdonly" : "rdwr");
      return;
    case STACK:
      checkStackRange(walk, register, off, size, use.zeroSizeAllowed, use.write, use.raw);
      return;
    case BTF_ID:
      accessBtfObject(walk, { register, offset: off, size, write: use.write, value: -1 }, off);
      return;
    case CTX:
      if (!plainContexts.has(analysis.type)) break;
      checkContextMemory(walk, register, size, use);
      return;
    default:
  }
  if (use.zeroSizeAllowed && size === 0 && isNull(records, at)) return;
  analysis.deny("argument", `R${register} type=${typeName(type)} expected=fp`);
}

/** A context that isn't rewritten: its last byte has to be accessible. */
function checkContextMemory(walk: Walk, register: number, size: number, use: CallMemory): void {
  const { analysis } = walk;
  if (size > 0) accessContext(analysis, register, size - 1, 1, use.write, -1, false);
  else if (!use.zeroSizeAllowed) analysis.deny("argument", "");
}

function refuseWrite(walk: Walk, register: number, type: number): never {
  return walk.analysis.deny("memory_access", `R${register} cannot write into ${typeName(type)}`);
}

/** A size argument, and the memory in the register before it, of which it gives the size. */
export function checkSizedMemory(walk: Walk, register: number, use: CallMemory): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + SMIN + 1]! < 0) {
    analysis.deny("argument", `R${register} min value is negative, either use unsigned or 'var &= const'`);
  }
  const umin = unsignedNumber(records, at + UMIN);
  const umax = unsignedNumber(records, at + UMAX);
  if (umin === 0 && !use.zeroSizeAllowed) {
    const most = BigInt.asIntN(64, (BigInt(records[at + UMAX + 1]!) << 32n) | BigInt(records[at + UMAX]! >>> 0));
    analysis.deny("argument", `R${register} invalid zero-sized read: u64=[0,${most}]`);
  }
  if (umax >= MAX_SIZE) {
    analysis.deny("argument", `R${register} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  // Of memory that is filled only partly, the rest has to be initialized.
  const fixed = isConstant(records, at);
  checkCallMemory(walk, register - 1, umax, fixed ? use : { ...use, raw: undefined });
  walk.precision.mark(register);
}
