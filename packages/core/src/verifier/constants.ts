import { mapTypeName } from "../abi/index.js";
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_IDX_VALUE, BPF_PSEUDO_MAP_VALUE } from "../isa/index.js";
import { setKnown } from "./domain/arithmetic.js";
import { AUX, OBJECT, OFF, registerAt, TYPE } from "./domain/register.js";
import { returnToCaller } from "./exit.js";
import { clearCallerSaved } from "./frames.js";
import { kernelSymbol } from "./kernel-symbols.js";
import { requireUnmodified } from "./memory-region.js";
import { pushPath } from "./pending.js";
import { CTX, FUNC, MAP_PTR, MAP_VALUE } from "./pointer-types.js";
import { checkLeaks } from "./references.js";
import { requireReadable, requireWritable, setPointer, setUnknownScalar, setZeroScalar } from "./registers.js";
import type { Walk } from "./walk.js";

const CONTEXT_REGISTER = 6;

/** lddw: a 64-bit constant, or the address of a map, a map's value, a function, a kernel variable. */
export function stepLoadConstant(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  if (insns.offset[slot] !== 0) analysis.invalid("malformed", "BPF_LD_IMM64 uses reserved fields");
  const dst = insns.dst[slot]!;
  requireWritable(analysis, dst);
  const { records } = analysis.frame;
  const at = registerAt(dst);
  setUnknownScalar(analysis, records, at);
  switch (insns.src[slot]) {
    case 0:
      setKnown(records, at, insns.imm[slot]!, insns.imm[slot + 1]!);
      return;
    case BPF_PSEUDO_BTF_ID:
      kernelSymbol(walk, at);
      return;
    case BPF_PSEUDO_FUNC:
      loadFunction(walk, at);
      return;
    default:
      loadMap(walk, at);
  }
}

function loadFunction(walk: Walk, at: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const index = analysis.subprogramAt(analysis.slot + analysis.insns.imm[analysis.slot]! + 1);
  if (analysis.functions.length === 0) analysis.invalid("btf", "missing btf func_info");
  if (analysis.subprograms[index]!.global || index === 0) {
    analysis.invalid("call", "callback function not static");
  }
  setPointer(records, at, FUNC);
  records[at + AUX] = index;
}

function loadMap(walk: Walk, at: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const { records } = analysis.frame;
  const index = analysis.mapOfSlot[slot]!;
  const kind = insns.src[slot];
  if (kind !== BPF_PSEUDO_MAP_VALUE && kind !== BPF_PSEUDO_MAP_IDX_VALUE) {
    setPointer(records, at, MAP_PTR);
  } else if (mapTypeName(analysis.maps[index]!.type) === "arena") {
    return;
  } else {
    setPointer(records, at, MAP_VALUE);
    records[at + OFF] = insns.imm[slot + 1]!;
  }
  records[at + OBJECT] = index + 1;
}

/** The legacy loads from a packet (RFC 9669 section 5.5): a call in disguise, with the context in r6. True where it left the function. */
export function stepLoadPacket(walk: Walk): boolean {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const isIndirect = (opcode & 0xe0) === 0x40;
  if (!loadsSkb.has(analysis.type)) {
    analysis.invalid("permission", "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  }
  const misused =
    insns.dst[slot] !== 0 ||
    insns.offset[slot] !== 0 ||
    (opcode & 0x18) === 0x18 ||
    (!isIndirect && insns.src[slot] !== 0);
  if (misused) analysis.invalid("malformed", "BPF_LD_[ABS|IND] uses reserved fields");
  requireReadable(analysis, CONTEXT_REGISTER);
  // The load ends the program where the packet is too short.
  checkLeaks(analysis, "BPF_LD_[ABS|IND]", true, false);
  const { frame } = analysis;
  if (frame.records[registerAt(CONTEXT_REGISTER) + TYPE] !== CTX) {
    analysis.invalid("argument", "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  }
  if (isIndirect) requireReadable(analysis, insns.src[slot]!);
  requireUnmodified(analysis, CONTEXT_REGISTER, false);
  clearCallerSaved(analysis, frame);
  setUnknownScalar(analysis, frame.records, registerAt(0));
  if (analysis.state.frames.length === 1) return false;
  // In a function, a load behind the packet's end returns 0 to the caller.
  pushPath(analysis, slot + 1, slot);
  setZeroScalar(analysis, frame.records, registerAt(0));
  returnToCaller(walk);
  return true;
}

const loadsSkb: ReadonlySet<string> = new Set(["socket_filter", "sched_cls", "sched_act"]);
