import { BpfError } from "../base/index.js";
import { classifyInstruction } from "./classify.js";
import { decodeInstructions, encodeInstructions, type Instruction, slotCount } from "./instruction.js";

/** An instruction in the list; one that jumps, calls or takes a function's address knows where to, not how far. */
interface Entry {
  readonly instruction: Instruction;
  /** Field of the distance to `target`. */
  readonly distance: "offset" | "imm" | undefined;
  target: Entry | undefined;
  /** Slot in the program that the list was made of. */
  readonly origin: number | undefined;
}

/** Choices for insertions. */
export interface InsertOptions {
  /**
   * Where jumps to the instruction at the insertion's place go: through what is inserted (`new`, the default), or still
   * straight to that instruction (`old`).
   */
  readonly jumps?: "new" | "old";
}

/**
 * A program to be edited: instructions can be inserted, removed and replaced, and what jumps, calls or refers over them
 * still goes where it went. Places are counted in instructions (a lddw is one), distances in slots.
 *
 * Methods throw BpfError, and leave the list as it was, with `"JUMP_TARGET"` where an instruction's distance leads to
 * no instruction, and `"JUMP_RANGE"` ({@link instructions}, {@link encode}) where a distance no longer fits its field.
 */
export class InstructionList {
  #entries: Entry[] = [];

  /** Distances in `program` are taken as they are. */
  constructor(program: Uint8Array | readonly Instruction[] = []) {
    const instructions = program instanceof Uint8Array ? decodeInstructions(program) : program;
    let slot = 0;
    const entries = instructions.map((instruction) => {
      const entry = createEntry(instruction, slot);
      slot += slotCount(instruction);
      return entry;
    });
    linkTargets(entries, entries);
    this.#entries = entries;
  }

  /** Number of instructions. */
  get length(): number {
    return this.#entries.length;
  }

  /**
   * Inserts before the instruction at `index`, or at the end. Distances of what is inserted count slots as they are
   * after the insertion.
   */
  insert(index: number, instructions: readonly Instruction[], { jumps = "new" }: InsertOptions = {}): void {
    this.#splice(index, 0, instructions, jumps === "new");
  }

  /** Removes `count` instructions; what jumped to one of them goes to the next that is left. */
  remove(index: number, count = 1): void {
    this.#splice(index, count, [], true);
  }

  /** Puts others in the place of `count` instructions. What jumped to one of those goes to the first new one. */
  replace(index: number, count: number, instructions: readonly Instruction[]): void {
    this.#splice(index, count, instructions, true);
  }

  /** Slot where the instruction at `index` starts; at the length, the number of slots. */
  slotOf(index: number): number {
    let slot = 0;
    for (const entry of this.#entries.slice(0, index)) slot += slotCount(entry.instruction);
    return slot;
  }

  /**
   * Where the slots of the program that the list was made of are now, for line records, references and the like; slots
   * of removed instructions are missing.
   */
  movedSlots(): ReadonlyMap<number, number> {
    const moved = new Map<number, number>();
    let slot = 0;
    for (const { origin, instruction } of this.#entries) {
      if (origin !== undefined) moved.set(origin, slot);
      slot += slotCount(instruction);
    }
    return moved;
  }

  /** The instructions, with distances as they now are. */
  instructions(): Instruction[] {
    const slots = slotsOf(this.#entries);
    return this.#entries.map((entry) => {
      const { instruction, distance: field, target } = entry;
      if (field === undefined || target === undefined) return instruction;
      const slot = slots.get(entry)!;
      const distance = slots.get(target)! - (slot + 1);
      if (field === "offset" && (distance < -32768 || distance > 32767)) {
        const message = `the jump at slot ${slot} goes ${distance} slots, and 16 bits reach 32767`;
        throw new BpfError("JUMP_RANGE", message, { slot, distance });
      }
      return { ...instruction, [field]: distance };
    });
  }

  /** Little-endian slots. */
  encode(): Uint8Array {
    return encodeInstructions(this.instructions());
  }

  #splice(index: number, count: number, instructions: readonly Instruction[], redirect: boolean): void {
    if (!Number.isInteger(index) || !Number.isInteger(count) || index < 0 || count < 0 || index + count > this.length) {
      throw new BpfError("INDEX", `no ${count} instructions at ${index} of ${this.length}`, { index, count });
    }
    const inserted = instructions.map((instruction) => createEntry(instruction, undefined));
    const entries = this.#entries.toSpliced(index, count, ...inserted);
    const removed = new Set(this.#entries.slice(index, index + count));
    const successor = entries[index];
    // Before anything changes: what would be left without a target?
    linkTargets(inserted, entries);
    const old = this.#entries[index];
    const goesThere = (target: Entry | undefined): boolean =>
      target !== undefined && (removed.has(target) || (redirect && target === old));
    const movers = this.#entries.filter((entry) => !removed.has(entry) && goesThere(entry.target));
    if (movers.length > 0 && successor === undefined) {
      const message = "something jumps to the program's last instructions, which are to be removed";
      throw new BpfError("JUMP_TARGET", message, { index, count });
    }
    for (const mover of movers) mover.target = successor;
    this.#entries = entries;
  }
}

function createEntry(instruction: Instruction, origin: number | undefined): Entry {
  return { instruction, distance: classifyInstruction(instruction)?.distance, target: undefined, origin };
}

function slotsOf(entries: readonly Entry[]): Map<Entry, number> {
  const slots = new Map<Entry, number>();
  let slot = 0;
  for (const entry of entries) {
    slots.set(entry, slot);
    slot += slotCount(entry.instruction);
  }
  return slots;
}

/** Turns the distances of `fresh` entries into targets among `all`. */
function linkTargets(fresh: readonly Entry[], all: readonly Entry[]): void {
  const jumping = fresh.filter((entry) => entry.distance !== undefined);
  if (jumping.length === 0) return;
  const slots = slotsOf(all);
  const bySlot = new Map([...slots].map(([entry, slot]) => [slot, entry]));
  for (const entry of jumping) {
    const slot = slots.get(entry)!;
    const distance = entry.instruction[entry.distance!];
    entry.target = bySlot.get(slot + 1 + distance);
    if (entry.target === undefined) {
      const message = `the distance ${distance} at slot ${slot} leads to no instruction`;
      throw new BpfError("JUMP_TARGET", message, { slot, distance });
    }
  }
}
