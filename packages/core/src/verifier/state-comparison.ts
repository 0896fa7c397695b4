import type { Analysis } from "./analysis.js";
import { rangesContain } from "./domain/bounds.js";
import {
  AUX,
  clearRegister,
  FRAME,
  ID,
  OBJECT,
  OFF,
  PRECISE,
  REF,
  REGISTER_WORDS,
  registerAt,
  slotAt,
  TYPE,
  VALUE,
} from "./domain/register.js";
import { tnumContains } from "./domain/tnum.js";
import { ADD_CONSTANT } from "./linked.js";
import {
  ARENA,
  BUF,
  KIND,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  NOT_INIT,
  PACKET,
  PACKET_META,
  SCALAR,
  STACK,
  TP_BUFFER,
} from "./pointer-types.js";
import {
  allBytes,
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_IRQ_FLAG,
  BYTE_ITER,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  type Frame,
  type State,
} from "./state.js";

/**
 * How much the new state may differ from the old one: in scalars that don't matter (`precise`), in the ranges of any
 * scalar as long as they are within (`ranges`), or in nothing (`exact`).
 */
export type Exactness = "precise" | "ranges" | "exact";

const MAX_PAIRS = 600;

/** Bytes that were readable still are; a pointer known to be past the end says something else than any range. */
function packetRangeCovers(old: number, current: number): boolean {
  return old < 0 || current < 0 ? old === current : old <= current;
}

/** Is everything known of a value equal? */
function sameValue(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  for (let word = TYPE; word < ID; word++) if (a[i + word] !== b[j + word]) return false;
  return true;
}

/** Decides whether what was proven from an old state holds for a new one. */
export class StateComparison {
  readonly #analysis: Analysis;
  // Which id of the new state each id of the old one stands for.
  readonly #oldIds = new Int32Array(MAX_PAIRS);
  readonly #newIds = new Int32Array(MAX_PAIRS);
  #pairs = 0;
  #temporaryId = 0;
  readonly #unknown = new Int32Array(REGISTER_WORDS);

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
    clearRegister(this.#unknown, 0);
    this.#unknown[TYPE] = SCALAR;
  }

  /** A quick look: do the innermost frames' registers agree word for word? */
  sameRegisters(old: State, current: State): boolean {
    if (old.frames.length !== current.frames.length) return false;
    const a = old.frame.records;
    const b = current.frame.records;
    for (let register = 0; register < 11; register++) {
      const at = registerAt(register);
      for (let word = 0; word < FRAME; word++) {
        if (a[at + word] !== b[at + word]) return false;
      }
    }
    return true;
  }

  covers(old: State, current: State, exactness: Exactness): boolean {
    if (old.frames.length !== current.frames.length) return false;
    this.#pairs = 0;
    this.#temporaryId = this.#analysis.nextId;
    // A path that exists only in speculation proves nothing for a real one.
    if (old.speculative && !current.speculative) return false;
    if (old.sleepable !== current.sleepable) return false;
    if (!this.#referencesMatch(old, current)) return false;
    for (let index = 0; index < old.frames.length; index++) {
      const a = old.frames[index]!;
      const b = current.frames[index]!;
      if (a.callsite !== b.callsite) return false;
      if (!this.#framesMatch(a, b, old.slotOfFrame(index), exactness)) return false;
    }
    return true;
  }

  /** Ids stand for each other one to one. */
  #idsMatch(old: number, current: number): boolean {
    if ((old === 0) !== (current === 0)) return false;
    if (old === 0) return true;
    for (let i = 0; i < this.#pairs; i++) {
      if (this.#oldIds[i] === old) return this.#newIds[i] === current;
      if (this.#newIds[i] === current) return false;
    }
    if (this.#pairs === MAX_PAIRS) return false;
    this.#oldIds[this.#pairs] = old;
    this.#newIds[this.#pairs++] = current;
    return true;
  }

  /** A scalar that was linked to nothing needs nothing; one without an id is linked to nothing else. */
  #scalarIdsMatch(old: number, current: number): boolean {
    if (old === 0) return true;
    const id = current === 0 ? ++this.#temporaryId : current;
    if (!this.#idsMatch(old, id)) return false;
    // What is linked at a distance needs its partner as well.
    return (old & ADD_CONSTANT) === 0 || this.#idsMatch(old & ~ADD_CONSTANT, id & ~ADD_CONSTANT);
  }

  #referencesMatch(old: State, current: State): boolean {
    if (
      old.references.length !== current.references.length ||
      old.locks !== current.locks ||
      old.preemptLocks !== current.preemptLocks ||
      old.rcuLocks !== current.rcuLocks ||
      old.lockObject !== current.lockObject
    ) {
      return false;
    }
    if (!this.#idsMatch(old.irqId, current.irqId) || !this.#idsMatch(old.lockId, current.lockId)) return false;
    return old.references.every((reference, i) => {
      const other = current.references[i]!;
      return (
        this.#idsMatch(reference.id, other.id) && reference.kind === other.kind && reference.object === other.object
      );
    });
  }

  #framesMatch(old: Frame, current: Frame, slot: number, exactness: Exactness): boolean {
    if (old.callbackDepth > current.callbackDepth) return false;
    const live = this.#analysis.liveRegisters[slot]!;
    for (let register = 0; register < 11; register++) {
      if (((live >>> register) & 1) === 0) continue;
      const at = registerAt(register);
      if (!this.#registersMatch(old.records, at, current.records, at, exactness)) return false;
    }
    return this.#stacksMatch(old, current, exactness);
  }

  /** Word for word, ids apart. */
  #exactlyEqual(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
    for (let word = 0; word < ID; word++) {
      if (a[i + word] !== b[j + word]) return false;
    }
    return this.#idsMatch(a[i + ID]!, b[j + ID]!) && this.#idsMatch(a[i + REF]!, b[j + REF]!);
  }

  #valuesWithin(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
    return rangesContain(a, i, b, j) && tnumContains(a, i, b, j);
  }

  #registersMatch(a: Int32Array, i: number, b: Int32Array, j: number, exactness: Exactness): boolean {
    if (exactness === "exact") return this.#exactlyEqual(a, i, b, j);
    const type = a[i + TYPE]!;
    // What was not initialized was not read; what a path that isn't finished will read of it isn't known yet.
    if (type === NOT_INIT && exactness === "precise") return true;
    if (type !== b[j + TYPE]) return false;
    switch (type & KIND) {
      case SCALAR:
        return this.#scalarsMatch(a, i, b, j, exactness);
      case MAP_KEY:
      case MAP_VALUE:
      case MEM:
      case BUF:
      case TP_BUFFER:
        for (let word = TYPE; word < VALUE; word++) {
          if (a[i + word] !== b[j + word]) return false;
        }
        return (
          this.#valuesWithin(a, i, b, j) &&
          this.#idsMatch(a[i + ID]!, b[j + ID]!) &&
          this.#idsMatch(a[i + REF]!, b[j + REF]!)
        );
      case PACKET:
      case PACKET_META:
        return (
          packetRangeCovers(a[i + AUX]!, b[j + AUX]!) &&
          a[i + OFF] === b[j + OFF] &&
          this.#idsMatch(a[i + ID]!, b[j + ID]!) &&
          this.#valuesWithin(a, i, b, j)
        );
      case STACK:
        return this.#exactlyEqual(a, i, b, j) && a[i + FRAME] === b[j + FRAME];
      case ARENA:
        return true;
      default:
        return this.#exactlyEqual(a, i, b, j);
    }
  }

  #scalarsMatch(a: Int32Array, i: number, b: Int32Array, j: number, exactness: Exactness): boolean {
    const oldId = a[i + ID]!;
    const newId = b[j + ID]!;
    if (this.#analysis.comparesExactly) return sameValue(a, i, b, j) && this.#scalarIdsMatch(oldId, newId);
    if (a[i + PRECISE] === 0 && exactness === "precise") return true;
    const oldLinked = (oldId & ADD_CONSTANT) !== 0;
    const newLinked = (newId & ADD_CONSTANT) !== 0;
    if (oldLinked && !newLinked) return false;
    if (oldId !== 0 && !oldLinked && newLinked) return false;
    if (oldLinked && a[i + OFF] !== b[j + OFF]) return false;
    return this.#scalarIdsMatch(oldId, newId) && this.#valuesWithin(a, i, b, j);
  }

  #stacksMatch(old: Frame, current: Frame, exactness: Exactness): boolean {
    for (let slot = 0; slot < old.slots; slot++) {
      const bytes = old.bytes(slot);
      const inCurrent = slot < current.slots;
      const currentBytes = inCurrent ? current.bytes(slot) : 0;
      if (exactness !== "precise" && (!inCurrent || bytes !== currentBytes)) return false;
      if (bytes === 0) continue;
      if (!this.#slotsMatch(old, current, slot, bytes, currentBytes, inCurrent, exactness)) return false;
    }
    return true;
  }

  #slotsMatch(
    old: Frame,
    current: Frame,
    slot: number,
    bytes: number,
    currentBytes: number,
    inCurrent: boolean,
    exactness: Exactness,
  ): boolean {
    const uninitializedReadable = this.#analysis.hasPerfmon;
    let compareAsScalars = false;
    for (let i = 0; i < 8; i++) {
      const kind = (bytes >>> (i * 4)) & 0xf;
      if (kind === BYTE_INVALID || (uninitializedReadable && kind === BYTE_MISC)) continue;
      if (!inCurrent) return false;
      if (!compareAsScalars) {
        // A full scalar and a slot of arbitrary bytes load alike: as a scalar.
        const a = this.#scalarOf(old, slot, bytes);
        const b = this.#scalarOf(current, slot, currentBytes);
        if (a !== undefined && b !== undefined) {
          const at = a === this.#unknown ? 0 : slotAt(slot);
          return this.#registersMatch(a, at, b, b === this.#unknown ? 0 : slotAt(slot), exactness);
        }
        compareAsScalars = true;
      }
      const other = (currentBytes >>> (i * 4)) & 0xf;
      if (kind === BYTE_MISC && other === BYTE_ZERO) continue;
      if (kind !== other) return false;
      if (i === 7 && !this.#contentsMatch(kind, old.records, current.records, slotAt(slot), exactness)) return false;
    }
    return true;
  }

  /** The record that a load of the whole slot would yield, where that is a scalar. */
  #scalarOf(frame: Frame, slot: number, bytes: number): Int32Array | undefined {
    if (bytes === allBytes(BYTE_SPILL) && frame.records[slotAt(slot) + TYPE] === SCALAR) return frame.records;
    for (let i = 0; i < 8; i++) {
      const kind = (bytes >>> (i * 4)) & 0xf;
      if (kind !== BYTE_MISC && !(kind === BYTE_INVALID && this.#analysis.hasPerfmon)) return undefined;
    }
    return this.#unknown;
  }

  #contentsMatch(kind: number, a: Int32Array, b: Int32Array, at: number, exactness: Exactness): boolean {
    switch (kind) {
      case BYTE_SPILL:
        return this.#registersMatch(a, at, b, at, exactness);
      case BYTE_DYNPTR:
        return a[at + AUX] === b[at + AUX] && this.#idsMatch(a[at + REF]!, b[at + REF]!);
      case BYTE_ITER:
        return (
          a[at + AUX] === b[at + AUX] && a[at + OBJECT] === b[at + OBJECT] && this.#idsMatch(a[at + REF]!, b[at + REF]!)
        );
      case BYTE_IRQ_FLAG:
        return this.#idsMatch(a[at + REF]!, b[at + REF]!) && a[at + AUX] === b[at + AUX];
      default:
        return true;
    }
  }
}
