import { EACCES } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { setKnown } from "./domain/arithmetic.js";
import { AUX, clearRegister, REF, slotAt, TYPE } from "./domain/register.js";
import { accessMemory } from "./memory.js";
import { STACK } from "./pointer-types.js";
import { pointedFrame } from "./stack-access.js";
import { NOT_ALLOCATED, placeOfObject } from "./stack-objects.js";
import { allBytes, BYTE_IRQ_FLAG } from "./state.js";
import type { Walk } from "./walk.js";

/** Who saved the interrupt flags: each kind restores its own. */
const NATIVE = 1;
const LOCK = 2;

function label(kind: number): string {
  return kind === NATIVE ? "native" : "lock";
}

/** The CPU's interrupt flags are saved on the stack, and interrupts off until they are restored. */
export function saveIrqFlag(walk: Walk, register: number, byLock: boolean): void {
  const analysis: Analysis = walk.analysis;
  const place = placeOfObject(walk, register, "irq_flag", 1);
  const known = place >= 0 ? pointedFrame(walk, register) : undefined;
  const taken = known !== undefined && [0, 1, 2, 3, 4, 5, 6, 7].some((i) => known.byte(place, i) === BYTE_IRQ_FLAG);
  if ((place < 0 && place !== NOT_ALLOCATED) || taken) {
    analysis.invalid("argument", `expected uninitialized irq flag as arg#${register - 1}`);
  }
  accessMemory(walk, { register, offset: 0, size: 8, write: true, value: -1 });
  const slot = placeOfObject(walk, register, "irq_flag", 1);
  const frame = pointedFrame(walk, register);
  const { state } = analysis;
  const id = analysis.freshId();
  state.references = [...state.references, { kind: "irq", id, slot: analysis.slot, object: 0 }];
  state.irqId = id;
  const at = slotAt(slot);
  clearRegister(frame.records, at);
  setKnown(frame.records, at, 0, 0);
  frame.setBytes(slot, allBytes(BYTE_IRQ_FLAG));
  frame.records[at + TYPE] = STACK;
  frame.records[at + REF] = id;
  frame.records[at + AUX] = byLock ? LOCK : NATIVE;
  walk.liveness.write(frame.number, slot);
  analysis.touchSlot(slot);
}

/** The flags that were saved last come back. */
export function restoreIrqFlag(walk: Walk, register: number, byLock: boolean): void {
  const analysis: Analysis = walk.analysis;
  const slot = placeOfObject(walk, register, "irq_flag", 1);
  const frame = pointedFrame(walk, register);
  const at = slot >= 0 ? slotAt(slot) : 0;
  if (slot < 0 || frame.bytes(slot) !== allBytes(BYTE_IRQ_FLAG) || frame.records[at + REF] === 0) {
    analysis.invalid("argument", `expected an initialized irq flag as arg#${register - 1}`);
  }
  walk.liveness.read(frame.number, slot);
  const kind = byLock ? LOCK : NATIVE;
  const saved = frame.records[at + AUX]!;
  if (saved !== kind) {
    analysis.invalid(
      "lock",
      `irq flag acquired by ${label(saved)} kfuncs cannot be restored with ${label(kind)} kfuncs`,
    );
  }
  release(analysis, frame.records[at + REF]!);
  clearRegister(frame.records, at);
  frame.setBytes(slot, 0);
  walk.liveness.write(frame.number, slot);
  analysis.touchSlot(slot);
}

function release(analysis: Analysis, id: number): void {
  const { state } = analysis;
  if (id !== state.irqId) {
    const expected = state.references.find((reference) => reference.id === state.irqId);
    analysis.reject(
      "lock",
      EACCES,
      `cannot restore irq state out of order, expected id=${state.irqId} acquired at insn_idx=${expected?.slot ?? 0}`,
    );
  }
  state.references = state.references.filter((reference) => reference.kind !== "irq" || reference.id !== id);
  state.irqId = state.references.findLast((reference) => reference.kind === "irq")?.id ?? 0;
}
