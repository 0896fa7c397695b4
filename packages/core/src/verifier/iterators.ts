import type { TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { inRcuSection } from "./btf-access.js";
import type { KernelFunction } from "./called-kernel-function.js";
import { setKnown } from "./domain/arithmetic.js";
import { AUX, clearRegister, OBJECT, OFF, REF, registerAt, slotAt, TYPE } from "./domain/register.js";
import { accessMemory } from "./memory.js";
import { setNotNull } from "./nullness.js";
import { pushPath } from "./pending.js";
import { RCU, STACK, UNTRUSTED } from "./pointer-types.js";
import { iteratorName } from "./print-state.js";
import { ITERATOR_ACTIVE, ITERATOR_DRAINED } from "./pruning.js";
import { acquireReference, releaseReference } from "./references.js";
import { setZeroScalar } from "./registers.js";
import { pointedFrame } from "./stack-access.js";
import { NOT_ALLOCATED, placeOfObject } from "./stack-objects.js";
import { allBytes, BYTE_ITER, type Frame } from "./state.js";
import type { Walk } from "./walk.js";
import { widenScalars } from "./widening.js";

/** An iterator on the stack: a call that advances it has to know where. */
export interface IteratorPlace {
  readonly frame: number;
  readonly slot: number;
}

/** bpf_iter_*_new(): makes the iterator; it has to be destroyed again. */
export function makeIterator(walk: Walk, register: number, kfunc: KernelFunction, typeId: TypeId): void {
  const analysis: Analysis = walk.analysis;
  const slots = slotsOf(analysis, typeId);
  const place = placeOfObject(walk, register, "iter", slots);
  const free = place === NOT_ALLOCATED || (place >= 0 && isFree(pointedFrame(walk, register), place, slots));
  if (!free) {
    const name = iteratorName(analysis, typeId);
    analysis.invalid("argument", `expected uninitialized iter_${name} as arg #${register - 1}`);
  }
  for (let offset = 0; offset < 8 * slots; offset += 8) {
    accessMemory(walk, { register, offset, size: 8, write: true, value: -1 });
  }
  const slot = placeOfObject(walk, register, "iter", slots);
  const frame = pointedFrame(walk, register);
  const reference = acquireReference(analysis);
  const trust = kfunc.flags.has("rcu_protected") ? (inRcuSection(analysis) ? RCU : UNTRUSTED) : 0;
  for (let i = 0; i < slots; i++) {
    const at = slotAt(slot - i);
    clearRegister(frame.records, at);
    setKnown(frame.records, at, 0, 0);
    frame.setBytes(slot - i, allBytes(BYTE_ITER));
    frame.records[at + TYPE] = STACK | trust;
    frame.records[at + AUX] = typeId;
    frame.records[at + OBJECT] = ITERATOR_ACTIVE;
    frame.records[at + REF] = i === 0 ? reference : 0;
    walk.liveness.write(frame.number, slot - i);
    analysis.touchSlot(slot - i);
  }
}

function slotsOf(analysis: Analysis, typeId: TypeId): number {
  return (analysis.typesOf(KERNEL_TYPES).size(typeId) ?? 0) >> 3;
}

function isFree(frame: Frame, slot: number, slots: number): boolean {
  for (let i = 0; i < slots; i++) {
    for (let byte = 0; byte < 8; byte++) if (frame.byte(slot - i, byte) === BYTE_ITER) return false;
  }
  return true;
}

/** A call that works on an iterator, which has to be there. */
export function useIterator(walk: Walk, register: number, kfunc: KernelFunction, typeId: TypeId): IteratorPlace {
  const analysis: Analysis = walk.analysis;
  const slots = slotsOf(analysis, typeId);
  const slot = placeOfObject(walk, register, "iter", slots);
  const frame = pointedFrame(walk, register);
  if (slot >= 0 && (frame.records[slotAt(slot) + TYPE]! & UNTRUSTED) !== 0) {
    analysis.invalid("sleep", `expected an RCU CS when using ${kfunc.name}`);
  }
  if (slot < 0 || !isIterator(frame, slot, slots, typeId)) {
    const name = iteratorName(analysis, typeId);
    analysis.invalid("argument", `expected an initialized iter_${name} as arg #${register - 1}`);
  }
  for (let i = 0; i < slots; i++) walk.liveness.read(frame.number, slot - i);
  return { frame: frame.number, slot };
}

function isIterator(frame: Frame, slot: number, slots: number, typeId: TypeId): boolean {
  for (let i = 0; i < slots; i++) {
    const at = slotAt(slot - i);
    if (frame.bytes(slot - i) !== allBytes(BYTE_ITER) || frame.records[at + AUX] !== typeId) return false;
    if ((frame.records[at + REF] !== 0) !== (i === 0)) return false;
  }
  return true;
}

/** bpf_iter_*_destroy(). */
export function destroyIterator(walk: Walk, place: IteratorPlace, typeId: TypeId): void {
  const { analysis } = walk;
  const frame = analysis.state.frames[place.frame]!;
  const slots = slotsOf(analysis, typeId);
  releaseReference(analysis, frame.records[slotAt(place.slot) + REF]!);
  for (let i = 0; i < slots; i++) {
    clearRegister(frame.records, slotAt(place.slot - i));
    frame.setBytes(place.slot - i, 0);
    walk.liveness.write(frame.number, place.slot - i);
    analysis.touchSlot(place.slot - i);
  }
}

/** What is known of the pointers that an iterator yields, as flags of their type. */
export function iteratorTrust(walk: Walk, place: IteratorPlace): number {
  return walk.analysis.state.frames[place.frame]!.records[slotAt(place.slot) + TYPE]! & RCU;
}

/**
 * bpf_iter_*_next(): some day it returns null. The current path takes that for granted; another one goes on with an
 * element, and may come round.
 */
export function stepIterator(walk: Walk, place: IteratorPlace): void {
  const { analysis } = walk;
  const { state, slot } = analysis;
  const at = slotAt(place.slot);
  const { records } = state.frames[place.frame]!;
  if (records[at + OBJECT] === ITERATOR_ACTIVE) {
    const previous = state.parent === undefined ? undefined : walk.checkpoints.previousEntry(state.parent, slot);
    const again = pushPath(analysis, slot + 1, slot);
    const r = again.frames[place.frame]!.records;
    r[at + OFF] = r[at + OFF]! + 1;
    if (previous !== undefined) widenScalars(walk, previous, again);
    setNotNull(analysis, again.frame.records, registerAt(0));
  }
  records[at + OBJECT] = ITERATOR_DRAINED;
  setZeroScalar(analysis, state.frame.records, registerAt(0));
}
