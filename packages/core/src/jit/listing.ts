import { type FunctionBuilder, listCode, type ModuleBuilder } from "../wasm/index.js";

/** A function's WebAssembly, with where each instruction of the program begins. */
export interface FunctionListing {
  readonly name: string;
  readonly lines: readonly ListingLine[];
}

export interface ListingLine {
  /** Slot of the instruction whose code starts here. */
  readonly slot?: number | undefined;
  /** Blocks that the line stands in. */
  readonly depth: number;
  /** As WebAssembly's text format writes it. */
  readonly text: string;
}

/** Notes where the code of instructions begins, while it is emitted. */
export class CodeMarks {
  readonly #slots = new Map<FunctionBuilder, Map<number, number>>();

  mark(f: FunctionBuilder, slot: number): void {
    let slots = this.#slots.get(f);
    if (slots === undefined) {
      slots = new Map();
      this.#slots.set(f, slots);
    }
    slots.set(f.length, slot);
  }

  /** The functions that were marked. */
  list(module: ModuleBuilder): FunctionListing[] {
    return [...this.#slots].map(([f, slots]) => {
      const locals = f.localNames();
      const names = {
        local: (index: number) => locals.get(index) ?? String(index),
        function: (index: number) => module.nameOf(index).replaceAll(" ", "_"),
        global: String,
      };
      const lines = [...listCode(f.code, names)];
      return {
        name: f.name,
        lines: lines.map(({ offset, depth, text }) => ({ slot: slots.get(offset), depth, text })),
      };
    });
  }
}
