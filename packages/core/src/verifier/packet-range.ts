import { JGE, JGT, JLE, JLT, mirrored, type Outcome } from "./domain/condition.js";
import { AUX, equalsSmall, ID, OFF, TYPE, UMAX } from "./domain/register.js";
import { forEachRegister } from "./linked-scalars.js";
import { MAX_PACKET_OFFSET } from "./memory-region.js";
import { PACKET, PACKET_END, PACKET_META } from "./pointer-types.js";
import { unsignedNumber } from "./registers.js";
import type { State } from "./state.js";

/** Ranges of pointers that are known to lie at or behind the packet's end. */
const AT_END = -1;
const BEYOND_END = -2;

export function isPacketOrEnd(r: Int32Array, at: number): boolean {
  const type = r[at + TYPE];
  return type === PACKET || type === PACKET_META || type === PACKET_END;
}

/** `data` itself, which ends the metadata in front of it. */
function isPacketStart(r: Int32Array, at: number): boolean {
  return r[at + TYPE] === PACKET && r[at + OFF] === 0 && r[at + ID] === 0 && equalsSmall(r, at, 0);
}

/** A comparison of a packet pointer with the packet's end whose outcome an earlier one settled. */
export function decidePacket(jump: number, r: Int32Array, a: number, s: Int32Array, b: number): Outcome {
  if (s[b + TYPE] === PACKET_END) return decideEnd(jump, r[a + AUX]!);
  if (r[a + TYPE] === PACKET_END) return decideEnd(mirrored(jump), s[b + AUX]!);
  return "unknown";
}

function decideEnd(jump: number, range: number): Outcome {
  if (range >= 0) return "unknown";
  if (jump === JLE || jump === JGT) {
    if (range !== BEYOND_END) return "unknown";
    return jump === JGT ? "taken" : "not_taken";
  }
  if (jump === JLT || jump === JGE) return jump === JGE ? "taken" : "not_taken";
  return "unknown";
}

/**
 * Learns from `if a jump b` how much of the packet can be read: `a` a packet pointer and `b` the packet's end, or the
 * other way round (likewise metadata and the packet's start). False where the two are something else.
 */
export function learnPacketRange(jump: number, fallThrough: State, taken: State, a: number, b: number): boolean {
  const r = fallThrough.frame.records;
  if (isPair(r, a, b)) return learn(jump, fallThrough, taken, a);
  if (isPair(r, b, a)) return learn(mirrored(jump), fallThrough, taken, b);
  return false;
}

function isPair(r: Int32Array, pointer: number, end: number): boolean {
  if (r[pointer + TYPE] === PACKET) return r[end + TYPE] === PACKET_END;
  return r[pointer + TYPE] === PACKET_META && isPacketStart(r, end);
}

/** `pointer jump end`: in one branch the bytes before the pointer are there, in the other it is past the end. */
function learn(jump: number, fallThrough: State, taken: State, pointer: number): boolean {
  switch (jump) {
    case JGT:
      proveRange(fallThrough, pointer, false);
      markEnd(taken, pointer, BEYOND_END);
      return true;
    case JGE:
      proveRange(fallThrough, pointer, true);
      markEnd(taken, pointer, AT_END);
      return true;
    case JLT:
      proveRange(taken, pointer, true);
      markEnd(fallThrough, pointer, AT_END);
      return true;
    case JLE:
      proveRange(taken, pointer, false);
      markEnd(fallThrough, pointer, BEYOND_END);
      return true;
    default:
      return false;
  }
}

/** `pointer` is at most the end, or before it with `strict`: all that shares its variable part can be read up to it. */
function proveRange(state: State, pointer: number, strict: boolean): void {
  const { records } = state.frame;
  const off = records[pointer + OFF]!;
  if (off < 0 || (off === 0 && strict)) return;
  const umax = unsignedNumber(records, pointer + UMAX);
  // A pointer that may wrap around proves nothing.
  if (umax > MAX_PACKET_OFFSET || umax + off > MAX_PACKET_OFFSET) return;
  const range = strict ? off + 1 : off;
  const type = records[pointer + TYPE]!;
  const id = records[pointer + ID]!;
  forEachRegister(state, (r, at) => {
    if (r[at + TYPE] === type && r[at + ID] === id) r[at + AUX] = Math.max(r[at + AUX]!, range);
  });
}

function markEnd(state: State, pointer: number, range: number): void {
  const { records } = state.frame;
  if (records[pointer + TYPE] === PACKET) records[pointer + AUX] = range;
}
