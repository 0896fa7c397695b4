import { Rejection } from "./analysis.js";
import { copyRegister, REGISTER_WORDS, registerAt, TYPE } from "./domain/register.js";
import { checkCallMemory, checkSizedMemory } from "./helper-memory.js";
import { setNotNull } from "./nullness.js";
import { MAYBE_NULL } from "./pointer-types.js";
import { isNull } from "./registers.js";
import type { Walk } from "./walk.js";

const saved = new Int32Array(REGISTER_WORDS);

/** Runs a check as if a pointer that may be null weren't. */
function asIfNotNull(walk: Walk, register: number, check: () => void): void {
  const { records } = walk.analysis.frame;
  const at = registerAt(register);
  if ((records[at + TYPE]! & MAYBE_NULL) === 0) {
    check();
    return;
  }
  copyRegister(saved, 0, records, at);
  setNotNull(walk.analysis, records, at);
  check();
  copyRegister(records, at, saved, 0);
}

/** Memory of a size that the callee knows and may read and write; null will do. */
export function checkMemoryOrNull(walk: Walk, register: number, size: number): void {
  const { records } = walk.analysis.frame;
  if (isNull(records, registerAt(register))) return;
  asIfNotNull(walk, register, () => {
    checkCallMemory(walk, register, size, { write: false, zeroSizeAllowed: true });
    checkCallMemory(walk, register, size, { write: true, zeroSizeAllowed: true });
  });
}

/** Memory whose size is in the register behind it; `summary` ends the log where the check fails. */
export function checkSizedMemoryOrNull(walk: Walk, sizeRegister: number, summary: string): void {
  try {
    asIfNotNull(walk, sizeRegister - 1, () => {
      checkSizedMemory(walk, sizeRegister, { write: false, zeroSizeAllowed: true });
      checkSizedMemory(walk, sizeRegister, { write: true, zeroSizeAllowed: true });
    });
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    walk.analysis.reject(error.code, error.errno, summary);
  }
}
