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
      const call = summary(analysis, slot);
      const end = call && markAround(analysis, slot, call, lowest);
      if (call === undefined || end === undefined) continue;
      subprogram.fastcallStackOffset = Math.min(subprogram.fastcallStackOffset, end);
      if (call.inlined) subprogram.losesFastcallSpills = true;
      else subprogram.keepsFastcallStack = true;
    }
  }
}

interface CallSummary {
  readonly parameters: number;
  readonly returns: boolean;
  /** The kernel writes the call out in place, so that it loses no registers. */
  readonly inlined: boolean;
}

/** What a call uses of the registers. */
function summary(analysis: Analysis, slot: number): CallSummary | undefined {
  const { insns } = analysis;
  if (isKfuncCall(insns, slot)) {
    const kfunc = analysis.kfuncAt(slot);
    if (kfunc === undefined) return undefined;
    const { params, returns, flags } = kfunc;
    return { parameters: params.length, returns: returns !== 0, inlined: flags.has("fastcall") };
  }
  const prototype = analysis.helpers.get(insns.imm[slot]!)?.prototype;
  if (prototype === undefined) return undefined;
  const { args, returns, fastcall } = prototype;
  return { parameters: args.length, returns: returns.kind !== "void", inlined: fastcall === true };
}

/** Marks the pairs around one call; returns the stack offset above them, or undefined without pairs. */
function markAround(analysis: Analysis, slot: number, call: CallSummary, lowest: number): number | undefined {
  const { insns, points } = analysis;
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
  subprogram.losesFastcallSpills = false;
  for (let slot = subprogram.start; slot < subprogram.end; slot++) {
    analysis.points[slot] = analysis.points[slot]! & ~FASTCALL_PATTERN;
  }
}

/**
 * Takes the stack of spills that go away from the functions' depths, once everything is walked: where every call with
 * such spills around it is inlined, it ends where theirs starts. Since 6.12.
 */
export function creditFastcallStack({ options, subprograms }: Analysis): void {
  if (options.fastcallCredit === false) return;
  for (const subprogram of subprograms) {
    if (!subprogram.losesFastcallSpills || subprogram.keepsFastcallStack) continue;
    subprogram.stackDepth = -subprogram.fastcallStackOffset;
  }
}
