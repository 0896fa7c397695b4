import { type Analysis, FASTCALL_PATTERN } from "./analysis.js";
import type { Frame } from "./state.js";
import { isHelperCall, isKfuncCall } from "./successors.js";

const OPCODE_SPILL = 0x7b;
const OPCODE_FILL = 0x79;
const FP = 10;

/**
 * Finds spills and fills that a compiler put around calls only because older kernels lose r1 to r5 there. Where nothing
 * else uses their stack, the kernel takes them out, and they do not count towards the stack's depth.
 */
export function markFastcallPatterns(analysis: Analysis): void {
  const { insns } = analysis;
  for (const subprogram of analysis.subprograms) {
    let lowest = 0;
    for (let slot = subprogram.start; slot < subprogram.end; slot++) {
      if (insns.opcode[slot] === OPCODE_SPILL && insns.dst[slot] === FP) lowest = Math.min(lowest, insns.offset[slot]!);
    }
    for (let slot = subprogram.start; slot < subprogram.end; slot++) {
      if (!isHelperCall(insns, slot) && !isKfuncCall(insns, slot)) continue;
      const end = markAround(analysis, slot, lowest);
      if (end !== undefined) subprogram.fastcallStackOffset = Math.min(subprogram.fastcallStackOffset, end);
    }
  }
}

/** What a call uses of the registers. */
function summary(analysis: Analysis, slot: number): { parameters: number; returns: boolean } | undefined {
  const { insns } = analysis;
  if (isKfuncCall(insns, slot)) {
    const kfunc = analysis.kfuncAt(slot);
    return kfunc === undefined ? undefined : { parameters: kfunc.params.length, returns: kfunc.returns !== 0 };
  }
  const prototype = analysis.helpers.get(insns.imm[slot]!)?.prototype;
  if (prototype === undefined) return undefined;
  return { parameters: prototype.args.length, returns: prototype.returns.kind !== "void" };
}

/** Marks the pairs around one call; returns the stack offset above them, or undefined without pairs. */
function markAround(analysis: Analysis, slot: number, lowest: number): number | undefined {
  const { insns, points } = analysis;
  const call = summary(analysis, slot);
  if (call === undefined) return undefined;
  let free = 0x3f;
  if (call.returns) free &= ~1;
  for (let register = 1; register <= call.parameters; register++) free &= ~(1 << register);
  let offset = lowest;
  let pairs = 0;
  for (let i = 1; i <= 6; i++, offset += 8) {
    const before = slot - i;
    const after = slot + i;
    if (before < 0 || after >= insns.length) break;
    const register = insns.src[before]!;
    const isPair =
      insns.opcode[before] === OPCODE_SPILL &&
      insns.opcode[after] === OPCODE_FILL &&
      insns.dst[before] === FP &&
      insns.src[after] === FP &&
      insns.dst[after] === register &&
      insns.offset[before] === offset &&
      insns.offset[after] === offset &&
      ((free >>> register) & 1) === 1;
    if (!isPair) break;
    free &= ~(1 << register);
    points[before] = points[before]! | FASTCALL_PATTERN;
    points[after] = points[after]! | FASTCALL_PATTERN;
    pairs++;
  }
  return pairs === 0 ? undefined : offset;
}

/** Another use of the stack of such spills: they stay what they are. */
export function checkFastcallContract(analysis: Analysis, frame: Frame, offset: number): void {
  const subprogram = analysis.subprograms[frame.subprogram]!;
  if (subprogram.fastcallStackOffset <= offset) return;
  if ((analysis.points[analysis.slot]! & FASTCALL_PATTERN) !== 0) return;
  subprogram.fastcallStackOffset = -32768;
  for (let slot = subprogram.start; slot < subprogram.end; slot++) {
    analysis.points[slot] = analysis.points[slot]! & ~FASTCALL_PATTERN;
  }
}
