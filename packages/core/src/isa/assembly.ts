/** What an instruction of an {@link Assembly} refers to by name and a loader fills in. */
export interface AssemblyReference {
  /** Slot within the section. */
  readonly slot: number;
  /**
   * - `map`: a lddw of the map declared as `symbol`.
   * - `map_value`: a lddw of an address in the map's only value; `offset` is in bytes.
   * - `data`: a lddw of the address `offset` bytes into the data section `symbol`.
   * - `function`: a lddw of the address of a function in another section.
   * - `call`: a call of a function in another section.
   * - `extern`: a lddw or call of a name that `.extern` or `.weak` declares, or of any undefined one where
   *   `undefinedNames` allows that.
   */
  readonly kind: "map" | "map_value" | "data" | "function" | "call" | "extern";
  readonly symbol: string;
  /** Bytes; 0 where it makes no sense. */
  readonly offset: number;
}

/** Where a function starts: a `.globl` or `.type ..., @function` label, the target of a call, or the section's start. */
export interface AssemblyFunction {
  readonly slot: number;
  readonly name: string;
  /** Whether `.globl` says so. */
  readonly global: boolean;
}

/** Source position of the instruction at a slot; lines and columns count from 1. */
export interface AssemblyLine {
  readonly slot: number;
  readonly line: number;
  readonly column: number;
}

/** Eight bytes of data that are to hold the address of what `symbol` names (`.quad symbol`). */
export interface AssemblyPointer {
  /** Bytes from the section's start. */
  readonly offset: number;
  readonly symbol: string;
}

/** A label in data. */
export interface AssemblyVariable {
  readonly name: string;
  /** Bytes from the section's start. */
  readonly offset: number;
  /** Bytes up to the next label that is further on, or the section's end. */
  readonly size: number;
  /** Whether `.globl` says so. */
  readonly global: boolean;
}

/** A section: code, where it has instructions, else data. */
export interface AssemblySection {
  readonly name: string;
  readonly code: boolean;
  /** Little-endian slots, or the data. */
  readonly bytes: Uint8Array;
  /** Sorted by slot; empty in data. */
  readonly functions: readonly AssemblyFunction[];
  readonly references: readonly AssemblyReference[];
  readonly pointers: readonly AssemblyPointer[];
  /** Sorted by offset; empty in code. */
  readonly variables: readonly AssemblyVariable[];
  readonly lines: readonly AssemblyLine[];
}

/** A `.map` directive. */
export interface AssemblyMap {
  readonly name: string;
  /** As written: a kernel name without its prefix (`hash`), or a number. */
  readonly type: string | number;
  /** Sizes are in bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Where its name stands in the source; both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** What an assembly source describes. */
export interface Assembly {
  /** In order of appearance. */
  readonly sections: readonly AssemblySection[];
  readonly maps: readonly AssemblyMap[];
  /** Values of `.equ`, `.set` and `name = value`. */
  readonly constants: ReadonlyMap<string, bigint>;
}
