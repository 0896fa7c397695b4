import { FormatError } from "../base/index.js";
import { OPCODE_LDDW, SLOT_SIZE } from "../isa/index.js";
import type { CoreRelocation, FunctionRecord, LineRecord, ProgramSpec, Reference } from "../spec/index.js";
import type { ObjectFunction } from "./code.js";
import { type FunctionRecords, lineAt } from "./records.js";
import type { FunctionLinks } from "./resolve.js";

/** The kernel's BPF_COMPLEXITY_LIMIT_INSNS: a longer program can't be loaded anywhere. */
const MAX_PROGRAM_SLOTS = 1_000_000;
/** Subprograms are copied into every program that calls them; a hostile object could ask for its square. */
const MAX_OBJECT_SLOTS = 4_000_000;

/** A function with what its instructions refer to and what .BTF.ext says of it. */
export interface LinkedFunction extends FunctionLinks, FunctionRecords {}

type Linked = Pick<ProgramSpec, "insns" | "references" | "functions" | "lines" | "coreRelocations">;

/** Links programs out of the functions of one object. */
export class Linker {
  readonly #functions = new Map<ObjectFunction, LinkedFunction>();
  readonly #resolve: (fn: ObjectFunction) => LinkedFunction;
  #slots = 0;

  constructor(resolve: (fn: ObjectFunction) => LinkedFunction) {
    this.#resolve = resolve;
  }

  /** A function's calls and records, read once. */
  of(fn: ObjectFunction): LinkedFunction {
    let linked = this.#functions.get(fn);
    if (linked === undefined) {
      linked = this.#resolve(fn);
      this.#functions.set(fn, linked);
    }
    return linked;
  }

  /**
   * Puts behind `main` each function that it reaches by calls and callbacks, once and in the order in which a walk
   * through the calls meets them first (libbpf's order), and makes the calls relative to where the functions now are.
   *
   * @throws FormatError when the program gets longer than the kernel takes
   */
  link(main: ObjectFunction, extra: readonly ObjectFunction[] = []): Linked {
    const starts = this.#layOut(main, extra);
    const [last] = [...starts.keys()].slice(-1);
    const length = starts.get(last!)! + (last!.end - last!.start);
    const insns = new Uint8Array(length * SLOT_SIZE);
    const references: Reference[] = [];
    const functions: FunctionRecord[] = [];
    const lines: LineRecord[] = [];
    const coreRelocations: CoreRelocation[] = [];
    for (const [fn, start] of starts) {
      const linked = this.of(fn);
      insns.set(fn.section.bytes.subarray(fn.start * SLOT_SIZE, fn.end * SLOT_SIZE), start * SLOT_SIZE);
      for (const { slot, target } of linked.calls) pointAt(insns, start + slot, starts.get(target)!);
      for (const each of linked.references) {
        markReference(insns, start + each.slot, each);
        references.push({ ...each, slot: start + each.slot });
      }
      for (const each of linked.lines) lines.push(lineAt(start + each.slot, each));
      for (const each of linked.coreRelocations) coreRelocations.push({ ...each, slot: start + each.slot });
      const linkage = fn === main || (fn.visible && linked.typeId !== 0) ? "global" : "static";
      functions.push({ slot: start, name: fn.name, typeId: linked.typeId, linkage });
    }
    return { insns, references, functions, lines, coreRelocations };
  }

  #layOut(main: ObjectFunction, extra: readonly ObjectFunction[]): Map<ObjectFunction, number> {
    const starts = new Map<ObjectFunction, number>();
    let length = 0;
    const pending: { readonly calls: FunctionLinks["calls"]; next: number }[] = [];
    const place = (fn: ObjectFunction) => {
      if (starts.has(fn)) return;
      starts.set(fn, length);
      length += fn.end - fn.start;
      this.#slots += fn.end - fn.start;
      if (length > MAX_PROGRAM_SLOTS || this.#slots > MAX_OBJECT_SLOTS) {
        throw new FormatError(
          `program ${main.name} and its subprograms are longer than ${MAX_PROGRAM_SLOTS} slots, or the object's programs than ${MAX_OBJECT_SLOTS}`,
          { section: main.section.name, offset: main.start * SLOT_SIZE },
        );
      }
      pending.push({ calls: this.of(fn).calls, next: 0 });
    };
    for (const root of [main, ...extra]) {
      place(root);
      // Depth first without recursion: chains of calls may be as long as the file.
      for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
        const call = top.calls[top.next++];
        if (call === undefined) pending.pop();
        else place(call.target);
      }
    }
    return starts;
  }
}

/** Calls and BPF_PSEUDO_FUNC loads count slots from the one after themselves (the load's first slot). */
function pointAt(insns: Uint8Array, slot: number, target: number): void {
  const at = slot * SLOT_SIZE;
  if (insns[at] === OPCODE_LDDW) setSource(insns, slot, 4);
  setImmediate(insns, slot, target - slot - 1);
  if (insns[at] === OPCODE_LDDW) setImmediate(insns, slot + 1, 0);
}

/** Gives the instruction its pseudo source and clears what the object file had as addend. */
function markReference(insns: Uint8Array, slot: number, reference: Reference): void {
  setImmediate(insns, slot, 0);
  switch (reference.kind) {
    case "map":
      setSource(insns, slot, 1);
      setImmediate(insns, slot + 1, 0);
      break;
    case "map_value":
      setSource(insns, slot, 2);
      setImmediate(insns, slot + 1, reference.offset);
      break;
    case "ksym":
      setSource(insns, slot, reference.typeId === 0 ? 0 : 3);
      setImmediate(insns, slot + 1, 0);
      break;
    case "kfunc":
      setSource(insns, slot, 2);
      break;
  }
}

function setSource(insns: Uint8Array, slot: number, source: number): void {
  const at = slot * SLOT_SIZE + 1;
  insns[at] = (insns[at]! & 0xf) | (source << 4);
}

function setImmediate(insns: Uint8Array, slot: number, value: number): void {
  const at = slot * SLOT_SIZE + 4;
  insns[at] = value & 0xff;
  insns[at + 1] = (value >> 8) & 0xff;
  insns[at + 2] = (value >> 16) & 0xff;
  insns[at + 3] = (value >> 24) & 0xff;
}
