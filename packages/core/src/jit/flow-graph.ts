import { type DecodedProgram, targetOf } from "../runtime/index.js";

/**
 * Basic blocks of one function: the slots that can be reached from its first one, in reverse postorder, so that block 0
 * is the entry and every edge to a lower or equal number goes back. A program's functions may share slots; each gets its
 * own blocks.
 */
export interface FlowGraph {
  /** Number of blocks. */
  readonly length: number;
  /** First slot. A block that starts behind the program's last slot stands for running past its end. */
  readonly start: Int32Array;
  /** Slot behind the block. */
  readonly end: Int32Array;
  /** Slot of the last instruction. */
  readonly last: Int32Array;
  /** Where the block goes on when its last instruction doesn't jump, or -1. Of a goto it is the target. */
  readonly next: Int32Array;
  /** Where a conditional jump goes, or -1. */
  readonly taken: Int32Array;
}

/** Slot after the instruction at `slot`. */
export function slotAfter({ rows }: Pick<DecodedProgram, "rows">, slot: number): number {
  return rows[slot]?.kind === "load_imm64" ? slot + 2 : slot + 1;
}

/** Which ways of conditional jumps are taken at all, by slots: bit 0 the jump, bit 1 on to the next instruction. */
export type TakenWays = Uint8Array;

/** Gotos in a row that are followed; a loop of nothing else has no end. */
const MAX_GOTOS = 16;

const ALWAYS = 1;
const NEVER = 2;

/** Builds the graphs of a program's functions. What it needs for it is kept from one to the next. */
export class FlowGraphBuilder {
  readonly #program: DecodedProgram;
  readonly #ways: TakenWays | undefined;
  // By slot: the number of the last function in which it starts a block, was reached, was walked.
  readonly #leaders: Int32Array;
  readonly #reached: Int32Array;
  readonly #walked: Int32Array;
  readonly #numbers: Int32Array;
  #function = 0;
  readonly #short: boolean;

  /**
   * @param ways what a verifier proved of the program's conditional jumps
   * @param short whether jumps to gotos go to where those go, which leaves gotos out of what is executed
   */
  constructor(program: DecodedProgram, ways?: TakenWays, short = false) {
    this.#program = program;
    this.#ways = ways;
    this.#short = short;
    const size = program.slots.length + 1;
    this.#leaders = new Int32Array(size);
    this.#reached = new Int32Array(size);
    this.#walked = new Int32Array(size);
    this.#numbers = new Int32Array(size);
  }

  /** The blocks of the function that starts at slot `entry`. */
  build(entry: number): FlowGraph {
    this.#function++;
    this.#findLeaders(entry);
    const start = this.#reversePostorder(entry);
    const { length } = start;
    for (let block = 0; block < length; block++) this.#numbers[start[block]!] = block;
    const end = new Int32Array(length);
    const last = new Int32Array(length);
    const next = new Int32Array(length).fill(-1);
    const taken = new Int32Array(length).fill(-1);
    for (let block = 0; block < length; block++) {
      last[block] = this.#lastSlot(start[block]!);
      end[block] = slotAfter(this.#program, last[block]!);
      const way = this.#next(last[block]!);
      const jump = this.#taken(last[block]!);
      if (way >= 0) next[block] = this.#numbers[way]!;
      if (jump >= 0) taken[block] = this.#numbers[jump]!;
    }
    return { length, start, end, last, next, taken };
  }

  /** Last instruction of the block that starts at `slot`. */
  #lastSlot(slot: number): number {
    for (;;) {
      if (this.#endsBlock(slot)) return slot;
      const after = slotAfter(this.#program, slot);
      if (this.#leaders[after] === this.#function) return slot;
      slot = after;
    }
  }

  /** Where execution goes on after the instruction when it doesn't jump, or -1; of a goto the target. */
  #next(slot: number): number {
    const kind = this.#program.rows[slot]?.kind;
    if (kind === undefined || kind === "exit") return -1;
    const jumps = kind === "goto" || (kind === "branch" && this.#ways?.[slot] === ALWAYS);
    const next = jumps ? targetOf(this.#program, slot)! : slotAfter(this.#program, slot);
    return this.#endsBlock(slot) ? this.#behindGotos(next) : next;
  }

  /** Where a conditional jump goes, or -1. */
  #taken(slot: number): number {
    const kind = this.#program.rows[slot]?.kind;
    if (kind === "may_goto") return this.#behindGotos(targetOf(this.#program, slot)!);
    const decided = this.#ways?.[slot] === ALWAYS || this.#ways?.[slot] === NEVER;
    return kind === "branch" && !decided ? this.#behindGotos(targetOf(this.#program, slot)!) : -1;
  }

  #behindGotos(slot: number): number {
    if (!this.#short) return slot;
    let at = slot;
    for (let jumps = 0; jumps < MAX_GOTOS && this.#program.rows[at]?.kind === "goto"; jumps++) {
      at = targetOf(this.#program, at)!;
    }
    return at;
  }

  #endsBlock(slot: number): boolean {
    const kind = this.#program.rows[slot]?.kind;
    return kind === undefined || kind === "goto" || kind === "exit" || kind === "branch" || kind === "may_goto";
  }

  #findLeaders(entry: number): void {
    const pending = [entry];
    this.#leaders[entry] = this.#function;
    for (let slot = pending.pop(); slot !== undefined; slot = pending.pop()) {
      while (slot >= 0 && this.#reached[slot] !== this.#function) {
        this.#reached[slot] = this.#function;
        const ends = this.#endsBlock(slot);
        const jump = this.#taken(slot);
        if (jump >= 0) pending.push(jump);
        if (jump >= 0) this.#leaders[jump] = this.#function;
        slot = this.#next(slot);
        if (ends && slot >= 0) this.#leaders[slot] = this.#function;
      }
    }
  }

  /** Starts of the blocks. Jumps are walked first, so that the way without a jump follows its block. */
  #reversePostorder(entry: number): Int32Array {
    const postorder: number[] = [];
    const path = [entry];
    // How many ways out of each block on the path were walked.
    const steps = [0];
    this.#walked[entry] = this.#function;
    while (path.length > 0) {
      const block = path.at(-1)!;
      const step = steps[steps.length - 1]!++;
      if (step === 2) {
        postorder.push(block);
        path.pop();
        steps.pop();
        continue;
      }
      const last = this.#lastSlot(block);
      const way = step === 0 ? this.#taken(last) : this.#next(last);
      if (way < 0 || this.#walked[way] === this.#function) continue;
      this.#walked[way] = this.#function;
      path.push(way);
      steps.push(0);
    }
    return Int32Array.from(postorder.reverse());
  }
}
