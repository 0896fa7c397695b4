import { AssembleError } from "../base/index.js";
import type { AssemblyReference } from "./assembly.js";
import { encodeRow } from "./encode.js";
import type { InstructionForm } from "./form.js";
import { type Instruction, SLOT_SIZE } from "./instruction.js";
import { parsedAs } from "./parsed.js";
import type { Fixup, SectionBuilder } from "./section-builder.js";
import type { Label, SourceState } from "./source.js";
import { didYouMean } from "./suggestion.js";

/** What names may mean besides what the source itself defines. */
export interface KnownNames {
  /** Helper numbers by name. */
  readonly helpers: ReadonlyMap<string, number>;
  /** Whether names that nothing defines are external. */
  readonly allExtern: boolean;
}

/** Finds what the names in a section's operands stand for. Returns the instructions to put in, by slot. */
export function resolveSection(
  section: SectionBuilder,
  state: SourceState,
  known: KnownNames,
): ReadonlyMap<number, Instruction> {
  const resolver = new Resolver(section, state, known);
  return new Map(section.fixups.map((fixup) => [fixup.slot, resolver.resolve(fixup)]));
}

class Resolver {
  readonly #section: SectionBuilder;
  readonly #state: SourceState;
  readonly #known: KnownNames;

  constructor(section: SectionBuilder, state: SourceState, known: KnownNames) {
    this.#section = section;
    this.#state = state;
    this.#known = known;
  }

  resolve(fixup: Fixup): Instruction {
    switch (fixup.named.use) {
      case "target":
        return this.#target(fixup);
      case "callee":
        return this.#callee(fixup);
      case "address":
        return this.#address(fixup);
      case "map":
      case "map_value":
        return this.#map(fixup, fixup.named.use);
      default:
        return fixup.named.use satisfies never;
    }
  }

  #target(fixup: Fixup): Instruction {
    const { row, named } = fixup;
    const label = this.#label(named.name, fixup.slot);
    if (label === undefined) {
      const names = [...this.#state.labels.keys()];
      return this.#fail(fixup, `there is no label "${named.name}"${didYouMean(named.name, names)}`);
    }
    if (label.section === this.#section) return this.#atDistance(fixup, label);
    if (row.kind === "call" || row.kind === "load_imm64") {
      return this.#refer(fixup, row, row.kind === "call" ? "call" : "function", { imm: -1 });
    }
    return this.#fail(fixup, `"${named.name}" is in section ${label.section.name}, and jumps stay in theirs`);
  }

  #callee(fixup: Fixup): Instruction {
    const { name } = fixup.named;
    if (this.#state.labels.has(name)) return this.#target(fixup);
    const helper = this.#known.helpers.get(name);
    if (helper !== undefined) return encodeAs({ kind: "call", target: "helper" }, { imm: helper });
    if (this.#isExtern(name)) return this.#refer(fixup, fixup.row, "extern", { imm: -1 });
    const names = [...this.#state.labels.keys(), ...this.#known.helpers.keys()];
    return this.#fail(fixup, `"${name}" is neither a label nor a helper${didYouMean(name, names)}`);
  }

  #address(fixup: Fixup): Instruction {
    const { name } = fixup.named;
    if (this.#state.maps.has(name)) return this.#map(fixup, "map");
    const label = this.#state.labels.get(name);
    if (label === undefined) {
      if (this.#isExtern(name)) return this.#refer(fixup, fixup.row, "extern", {});
      const names = [...this.#state.labels.keys(), ...this.#state.maps.keys(), ...this.#state.constants.keys()];
      return this.#fail(fixup, `there is no map, label or constant "${name}"${didYouMean(name, names)}`);
    }
    const { row } = parsedAs({ kind: "load_imm64", source: label.section.hasCode ? "func" : "map_value" }, {});
    if (label.section === this.#section) return this.#atDistance({ ...fixup, row }, label);
    if (label.section.hasCode) return this.#refer(fixup, row, "function", { imm: -1 });
    return this.#refer(fixup, row, "data", { immHigh: label.offset }, label.section.name, label.offset);
  }

  #map(fixup: Fixup, kind: "map" | "map_value"): Instruction {
    const { name } = fixup.named;
    if (!this.#state.maps.has(name)) {
      return this.#fail(fixup, `there is no map "${name}"${didYouMean(name, this.#state.maps.keys())}`);
    }
    const { row } = parsedAs({ kind: "load_imm64", source: kind === "map" ? "map_fd" : "map_value" }, {});
    return this.#refer(fixup, row, kind, {}, name, fixup.operands.immHigh ?? 0);
  }

  #isExtern(name: string): boolean {
    return this.#known.allExtern || this.#state.externs.has(name) || this.#state.weak.has(name);
  }

  #label(name: string, slot: number): Label | undefined {
    const section = this.#section;
    const numeric = /^(\d+)([fb])$/.exec(name);
    if (numeric !== null) {
      const places = section.numericLabels.get(numeric[1]!) ?? [];
      const here = slot * SLOT_SIZE;
      const next = firstAbove(places, here);
      const offset = places[numeric[2] === "f" ? next : next - 1];
      return offset === undefined ? undefined : { section, offset };
    }
    const label = this.#state.labels.get(name);
    if (label === undefined && name === "exit" && section.firstExit !== undefined) {
      return { section, offset: section.firstExit * SLOT_SIZE };
    }
    return label;
  }

  /** The instruction with the distance to a label of its own section. */
  #atDistance(fixup: Fixup, label: Label): Instruction {
    const { row, named, slot } = fixup;
    if (label.offset % SLOT_SIZE !== 0) return this.#fail(fixup, `"${named.name}" is not at a slot's start`);
    const target = label.offset / SLOT_SIZE;
    const distance = target - (slot + 1);
    if (row.distance === "offset" && (distance < -32768 || distance > 32767)) {
      return this.#fail(
        fixup,
        `"${named.name}" is ${distance} slots away, and 16 bits reach 32767 (gotol reaches further)`,
      );
    }
    if (row.kind === "call" || row.kind === "load_imm64") this.#functionAt(target, named.name);
    return encodeRow(row, { ...fixup.operands, [row.distance!]: distance });
  }

  #functionAt(slot: number, name: string): void {
    const { functions } = this.#section;
    if (!functions.has(slot)) functions.set(slot, { slot, name, global: this.#state.globals.has(name) });
  }

  #refer(
    fixup: Fixup,
    row: Fixup["row"],
    kind: AssemblyReference["kind"],
    operands: Fixup["operands"],
    symbol = fixup.named.name,
    offset = 0,
  ): Instruction {
    this.#section.references.push({ slot: fixup.slot, kind, symbol, offset });
    return encodeRow(row, { ...fixup.operands, ...operands });
  }

  #fail({ named }: Fixup, message: string): never {
    throw new AssembleError(message, named.token.line, named.token.column);
  }
}

function encodeAs(form: InstructionForm, operands: Fixup["operands"]): Instruction {
  return encodeRow(parsedAs(form, operands).row, operands);
}

/** Index of the first of ascending `values` above `limit`. */
function firstAbove(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
