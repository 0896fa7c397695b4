import type { Analysis } from "./analysis.js";
import { REF } from "./domain/register.js";
import { setUnreadable } from "./invalidate.js";
import { forEachRegister } from "./linked-scalars.js";
import type { Reference } from "./state.js";

/** Takes note of an object that the program has to give back; returns the reference's id. */
export function acquireReference(analysis: Analysis): number {
  const { state } = analysis;
  const id = analysis.freshId();
  state.references = [...state.references, { kind: "object", id, slot: analysis.slot, object: 0 }];
  return id;
}

export function withoutReference(references: readonly Reference[], id: number): readonly Reference[] {
  const index = references.findIndex((reference) => reference.kind === "object" && reference.id === id);
  return index < 0 ? references : references.filter((_, i) => i !== index);
}

/** Gives an object back: every pointer to it is gone. False where it was not held. */
export function releaseReference(analysis: Analysis, id: number): boolean {
  const { state } = analysis;
  const rest = withoutReference(state.references, id);
  if (rest === state.references) return false;
  state.references = rest;
  forEachRegister(state, (r, at) => {
    if (r[at + REF] === id) setUnreadable(analysis, r, at);
  });
  return true;
}

/** Objects that the program still holds at its end, at an exception or at a tail call are lost: it must not. */
export function checkLeaks(analysis: Analysis, what: string, checkLocks: boolean, exception: boolean): void {
  const { state } = analysis;
  if (checkLocks && state.locks > 0) {
    analysis.invalid("lock", `${what} cannot be used inside bpf_spin_lock-ed region`);
  }
  if (exception || state.frames.length === 1) {
    const held = state.references.filter((reference) => reference.kind === "object");
    for (const reference of held) {
      analysis.log.write(`Unreleased reference id=${reference.id} alloc_insn=${reference.slot}\n`);
    }
    if (held.length > 0) analysis.invalid("reference", `${what} would lead to reference leak`);
  }
  if (!checkLocks) return;
  if (state.irqId !== 0) analysis.invalid("lock", `${what} cannot be used inside bpf_local_irq_save-ed region`);
  if (state.rcuLocks > 0) analysis.invalid("lock", `${what} cannot be used inside bpf_rcu_read_lock-ed region`);
  if (state.preemptLocks > 0) {
    analysis.invalid("lock", `${what} cannot be used inside bpf_preempt_disable-ed region`);
  }
}
