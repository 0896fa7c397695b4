import { type ProgramFacts, pointerTypes } from "../verifier/index.js";

const { BTF_ID, KIND, MEM, READ_ONLY, TRUSTED, RCU, NON_OWNING, ALLOCATED, UNTRUSTED } = pointerTypes;

/**
 * Loads that give 0 where there is nothing to be read, as the kernel makes them: through typed pointers that it has no
 * promise for, and through memory that a program cast to a type by its own word.
 */
export function guardedSlots({ pointerTypes: types }: ProgramFacts): Set<number> {
  const guarded = new Set<number>();
  types.forEach((type, slot) => {
    const typed = (type & KIND) === BTF_ID && (type & (TRUSTED | RCU | NON_OWNING)) === 0;
    const plain = typed && (type & ALLOCATED) === 0;
    const stale = typed && (type & UNTRUSTED) !== 0;
    const cast = (type & KIND) === MEM && (type & READ_ONLY) !== 0 && (type & UNTRUSTED) !== 0;
    if (plain || stale || cast) guarded.add(slot);
  });
  return guarded;
}
