import type { DynptrKind } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import type { KnownDynptr } from "./call-arguments.js";
import { setKnown } from "./domain/arithmetic.js";
import { AUX, clearRegister, ID, REF, registerAt, slotAt, TYPE } from "./domain/register.js";
import {
  clearDynptr,
  DYNPTR_KIND,
  DYNPTR_SLOTS,
  destroyDynptrAt,
  FIRST,
  isReferenced,
  noteDynptrWritten,
} from "./dynptr-slots.js";
import { accessMemory } from "./memory.js";
import { DYNPTR, STACK } from "./pointer-types.js";
import { acquireReference, releaseReference } from "./references.js";
import { pointedFrame } from "./stack-access.js";
import { NO_PLACE, placeOfObject } from "./stack-objects.js";
import { allBytes, BYTE_DYNPTR } from "./state.js";
import type { Walk } from "./walk.js";

/** Kinds by their number. */
const kinds: readonly (DynptrKind | undefined)[] = [undefined, "local", "ringbuf", "skb", "xdp", "skb_meta", "file"];
export function dynptrNumber(kind: DynptrKind | undefined): number {
  return Math.max(0, kinds.indexOf(kind));
}

/** The record of the dynptr that a register points to. */
function recordOf(walk: Walk, register: number): { r: Int32Array; at: number } | undefined {
  const { records } = walk.analysis.frame;
  const at = registerAt(register);
  if (records[at + TYPE] === DYNPTR) return { r: records, at };
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  return slot < 0 ? undefined : { r: pointedFrame(walk, register).records, at: slotAt(slot) };
}

export function describeDynptr(walk: Walk, register: number): KnownDynptr {
  const record = recordOf(walk, register);
  if (record === undefined) return walk.analysis.notModelled("a dynptr that isn't there");
  const { r, at } = record;
  return { id: r[at + ID]!, number: r[at + AUX]! & DYNPTR_KIND, reference: r[at + REF]! };
}

/** An argument has to be a dynptr on the stack, or one of the kernel's. */
export function requireDynptrPointer(walk: Walk, register: number): void {
  const analysis: Analysis = walk.analysis;
  const type = analysis.frame.records[registerAt(register) + TYPE];
  if (type === STACK || type === DYNPTR) return;
  analysis.invalid("argument", `arg#${register - 1} expected pointer to stack or const struct bpf_dynptr`);
}

/** The call makes a dynptr on the stack; `reference` is the one that it shares, or 0. */
export function makeDynptr(walk: Walk, register: number, kind: number, reference: number): void {
  const analysis: Analysis = walk.analysis;
  const isConstantDynptr = analysis.frame.records[registerAt(register) + TYPE] === DYNPTR;
  if (isConstantDynptr || placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS) === NO_PLACE) {
    analysis.invalid("argument", "Dynptr has to be an uninitialized dynptr");
  }
  for (let offset = 0; offset < 8 * DYNPTR_SLOTS; offset += 8) {
    accessMemory(walk, { register, offset, size: 8, write: true, value: -1 });
  }
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  const frame = pointedFrame(walk, register);
  destroyDynptrAt(walk, frame, slot);
  destroyDynptrAt(walk, frame, slot - 1);
  if (kind === 0) analysis.invalid("argument", "");
  const id = analysis.freshId();
  for (let i = 0; i < DYNPTR_SLOTS; i++) {
    const at = slotAt(slot - i);
    clearRegister(frame.records, at);
    setKnown(frame.records, at, 0, 0);
    frame.setBytes(slot - i, allBytes(BYTE_DYNPTR));
    frame.records[at + TYPE] = DYNPTR;
    frame.records[at + AUX] = kind | (i === 0 ? FIRST : 0);
    frame.records[at + ID] = id;
  }
  if (isReferenced(kind)) {
    const shared = reference === 0 ? acquireReference(analysis) : reference;
    for (let i = 0; i < DYNPTR_SLOTS; i++) frame.records[slotAt(slot - i) + REF] = shared;
  }
  noteDynptrWritten(walk, frame, slot);
}

/** The call works on a dynptr, of the kind wanted (0 for any). `readOnly` calls take the kernel's dynptrs as well. */
export function useDynptr(walk: Walk, register: number, kind: number, readOnly: boolean): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + TYPE] === DYNPTR && !readOnly) {
    analysis.invalid("argument", "cannot pass pointer to const bpf_dynptr, the helper mutates it");
  }
  if (!isInitialized(walk, register)) {
    analysis.invalid("argument", `Expected an initialized dynptr as arg #${register - 1}`);
  }
  if (kind !== 0 && describeDynptr(walk, register).number !== kind) {
    analysis.invalid("argument", `Expected a dynptr of type ${kinds[kind]} as arg #${register - 1}`);
  }
  if (records[at + TYPE] === DYNPTR) return;
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  const frame = pointedFrame(walk, register);
  for (let i = 0; i < DYNPTR_SLOTS; i++) walk.liveness.read(frame.number, slot - i);
}

function isInitialized(walk: Walk, register: number): boolean {
  if (walk.analysis.frame.records[registerAt(register) + TYPE] === DYNPTR) return true;
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  if (slot < 0) return false;
  const frame = pointedFrame(walk, register);
  const whole = allBytes(BYTE_DYNPTR);
  return (
    frame.bytes(slot) === whole && frame.bytes(slot - 1) === whole && (frame.records[slotAt(slot) + AUX]! & FIRST) !== 0
  );
}

/** Has the dynptr on the stack something to give back? */
export function requireReferencedDynptr(walk: Walk, register: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  if (records[registerAt(register) + TYPE] !== STACK) {
    analysis.invalid("reference", "cannot release unowned const bpf_dynptr");
  }
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  if (slot < 0 || pointedFrame(walk, register).records[slotAt(slot) + REF] === 0) {
    analysis.invalid("reference", `arg ${register} is an unacquired reference`);
  }
}

/** The call gives the dynptr's memory back: it, its clones and what points into them are gone. */
export function giveDynptrBack(walk: Walk, register: number): void {
  const { analysis } = walk;
  const slot = placeOfObject(walk, register, "dynptr", DYNPTR_SLOTS);
  const frame = pointedFrame(walk, register);
  const { records } = frame;
  if (!isReferenced(records[slotAt(slot) + AUX]! & DYNPTR_KIND)) {
    clearDynptr(walk, frame, slot);
    return;
  }
  const reference = records[slotAt(slot) + REF]!;
  releaseReference(analysis, reference);
  for (let i = 1; i < frame.slots; i++) {
    const at = slotAt(i);
    if (
      records[at + REF] === reference &&
      (frame.bytes(i) & 0xf) === BYTE_DYNPTR &&
      (records[at + AUX]! & FIRST) !== 0
    ) {
      clearDynptr(walk, frame, i);
    }
  }
}

/** A register that points to a dynptr of the kernel's, as callbacks and global functions get it. */
export function setKernelDynptr(analysis: Analysis, r: Int32Array, at: number, kind: DynptrKind): void {
  clearRegister(r, at);
  setKnown(r, at, 0, 0);
  r[at + TYPE] = DYNPTR;
  r[at + AUX] = dynptrNumber(kind) | FIRST;
  r[at + ID] = analysis.freshId();
}
