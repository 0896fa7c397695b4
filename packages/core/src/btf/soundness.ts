import { KIND, MODIFIES } from "./format.js";
import { NO_SIZE, type Records } from "./records.js";

/**
 * How deeply types may be nested by value, and how long a chain of pointers, qualifiers and arrays may be. The kernel
 * resolves 32 levels; compilers stay far below that. The limit lets everything after recurse without a guard.
 */
const MAX_NESTING = 250;

/** State of a type that is on the walk's path; 0 is one not seen yet. */
const OPEN = 1;
const DONE = 2;

const CHAINS = MODIFIES | (1 << KIND.ptr) | (1 << KIND.array);
const LISTS = (1 << KIND.struct) | (1 << KIND.union) | (1 << KIND.datasec);
const CONTAINS = MODIFIES | LISTS | (1 << KIND.array) | (1 << KIND.var);

/**
 * Sees to it that every type is finite: no chain of pointers, qualifiers and arrays leads back to itself, nothing
 * contains itself by value, and no size overflows. Fills in the sizes, alignments and heights of `records`. Linear in the number of
 * members.
 *
 * @throws FormatError at the record that closes a circle or overflows
 */
export function checkSoundness(records: Records): void {
  checkChains(records);
  new Containment(records).check();
}

/** The one type that a link of a chain is made of. */
function target(records: Records, id: number): number {
  return records.word(id, records.kind(id) === KIND.array ? 3 : 2);
}

function checkChains(records: Records): void {
  const { firstId, length } = records;
  const lengths = new Uint16Array(length - firstId);
  const path: number[] = [];
  for (let start = firstId; start < length; start++) {
    let id = start;
    path.length = 0;
    // Own ids only: a base's types refer to the base's, whose chains were checked with it.
    while (id >= firstId && (CHAINS >>> records.kind(id)) & 1 && lengths[id - firstId] === 0) {
      path.push(id);
      if (path.length > MAX_NESTING) records.fail("a chain of types that is circular or too long", start);
      id = target(records, id);
    }
    let steps = id >= firstId ? lengths[id - firstId]! : 0;
    for (let i = path.length - 1; i >= 0; i--) {
      if (++steps > MAX_NESTING) records.fail("a chain of types that is too long", path[i]!);
      lengths[path[i]! - firstId] = steps;
    }
  }
}

/** Depth-first walk over what types contain by value, with its own stack. */
class Containment {
  readonly #records: Records;
  readonly #state: Uint8Array;
  readonly #path: number[] = [];
  /** For each type of the path, the next of its components to look at. */
  readonly #next: number[] = [];

  constructor(records: Records) {
    this.#records = records;
    this.#state = new Uint8Array(records.length - records.firstId);
  }

  check(): void {
    const { firstId, length } = this.#records;
    for (let id = firstId; id < length; id++) this.#visit(id);
  }

  #visit(start: number): void {
    this.#enter(start);
    while (this.#path.length > 0) {
      const depth = this.#path.length - 1;
      const id = this.#path[depth]!;
      const next = this.#nextToEnter(id, this.#next[depth]!);
      if (next < 0) {
        this.#leave(id);
        continue;
      }
      this.#next[depth] = next + 1;
      this.#enter(this.#component(id, next));
    }
  }

  /** The first component from the `from`-th on that was not looked at, or -1. Most were: this loop is the walk's time. */
  #nextToEnter(id: number, from: number): number {
    const { firstId } = this.#records;
    const count = this.#componentCount(id);
    for (let next = from; next < count; next++) {
      const component = this.#component(id, next);
      if (component >= firstId && this.#state[component - firstId] !== DONE) return next;
    }
    return -1;
  }

  #enter(id: number): void {
    const records = this.#records;
    if (id < records.firstId) return;
    const index = id - records.firstId;
    const state = this.#state[index];
    if (state === DONE) return;
    if (state === OPEN) records.fail("contains itself", id);
    if (((CONTAINS >>> records.kind(id)) & 1) === 0) {
      this.#state[index] = DONE;
      records.sizes[index] = plainSize(records, id);
      records.alignments[index] = plainAlignment(records, id);
      return;
    }
    if (this.#path.length === MAX_NESTING) records.fail("nested too deeply", id);
    this.#state[index] = OPEN;
    this.#path.push(id);
    this.#next.push(0);
  }

  #leave(id: number): void {
    const records = this.#records;
    const index = id - records.firstId;
    let height = 0;
    let alignment = 1;
    const count = this.#componentCount(id);
    for (let i = 0; i < count; i++) {
      const component = this.#component(id, i);
      height = Math.max(height, records.height(component) + 1);
      alignment = Math.max(alignment, records.alignment(component));
    }
    if (height > MAX_NESTING) records.fail("nested too deeply", id);
    records.heights[index] = height;
    records.alignments[index] = alignment;
    records.sizes[index] = this.#containerSize(id);
    this.#state[index] = DONE;
    this.#path.pop();
    this.#next.pop();
  }

  #containerSize(id: number): number {
    const records = this.#records;
    const kind = records.kind(id);
    if ((LISTS >>> kind) & 1) return records.word(id, 2);
    const size = records.size(this.#component(id, 0));
    if (kind !== KIND.array || size === NO_SIZE) return size;
    const whole = size * records.word(id, 5);
    if (whole >= NO_SIZE) records.fail(`an array of ${whole} bytes`, id);
    return whole;
  }

  #componentCount(id: number): number {
    return (LISTS >>> this.#records.kind(id)) & 1 ? this.#records.vlen(id) : 1;
  }

  #component(id: number, n: number): number {
    const kind = this.#records.kind(id);
    if (kind === KIND.struct || kind === KIND.union) return this.#records.word(id, 4 + n * 3);
    if (kind === KIND.datasec) return this.#records.word(id, 3 + n * 3);
    return target(this.#records, id);
  }
}

/** Size of a type that contains no other. */
function plainSize(records: Records, id: number): number {
  switch (records.kind(id)) {
    case KIND.int:
    case KIND.float:
      return records.word(id, 2);
    case KIND.enum:
    case KIND.enum64:
      // An enum that is only declared has no values, and a size of 0.
      return records.word(id, 2) || NO_SIZE;
    case KIND.ptr:
      return 8;
    default:
      return NO_SIZE;
  }
}

/** Alignment of a type that contains no other, as 64-bit machines have it. */
function plainAlignment(records: Records, id: number): number {
  const size = plainSize(records, id);
  if (size === NO_SIZE) return 1;
  // 12 is i386's long double, whose parts are words; all else that has an alignment is a power of two.
  if (size === 12) return 4;
  return size > 16 || (size & (size - 1)) !== 0 ? 1 : Math.max(size, 1);
}
