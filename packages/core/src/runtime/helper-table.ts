import { BpfError } from "../base/index.js";
import { I32, instantiate, ModuleBuilder, type WasmTable, webAssembly } from "../wasm/index.js";

/** The low halves of r1 to r5 as i32s, and the low half of what r0 is made of. */
export type HelperFunction = (a1: number, a2: number, a3: number, a4: number, a5: number) => number;

/**
 * Makes of a helper one that can be called by programs that nobody verified: pointer arguments have to be what the
 * prototype says and lie in memory that the program may access itself, or the run ends with a fault. What needs more than
 * that to be judged (the state of a dynptr, a timer or a reserved record) is the helper's own business.
 */
export type ArgumentGuard = (id: number, run: HelperFunction) => HelperFunction;

/** A helper or kfunc as programs call it. */
export interface Helper {
  /** Without `bpf_` for helpers (`"map_lookup_elem"`), the whole name for kfuncs. */
  readonly name: string;
  /**
   * How r0 is made of the returned number: `int` sign-extends (errno results), `uint` zero-extends (pointers, u32s),
   * `wide` keeps what `run` left in r0 of the execution area.
   */
  readonly result: "int" | "uint" | "wide";
  /** True where `run` needs more than the low halves: it finds all of r1 to r5 in the execution area. */
  readonly wide: boolean;
  /** It gives or takes objects of the kernel: a Machine without the kernel's types loads no program that calls it. */
  readonly needsKernelTypes?: boolean | undefined;
  /** May be an exported WebAssembly function, which generated code then calls without crossing into JavaScript. */
  readonly run: HelperFunction;
}

/**
 * Helpers by number (or kfuncs by an id that the host chooses when it resolves them). Generated code calls them through
 * {@link table}, whose signature is five i32s to one.
 *
 * The entry of tail_call is special: `run(ctx, map, index)` only returns the record of the program in that slot of the
 * prog array, or 0; the engines count the call and jump.
 */
export class HelperTable {
  readonly #helpers = new Map<number, Helper>();
  readonly #linked = new Set<number>();
  readonly #table = createTable();
  readonly #guardedTable = createTable();
  #guard: ArgumentGuard | undefined;

  /** Adds or replaces a helper. Ids are small: the table is as long as the highest one. */
  define(id: number, helper: Helper): this {
    this.#helpers.set(id, helper);
    if (this.#linked.delete(id)) this.link([id]);
    return this;
  }

  get(id: number): Helper | undefined {
    return this.#helpers.get(id);
  }

  entries(): IterableIterator<[number, Helper]> {
    return this.#helpers.entries();
  }

  /** Function references by id; only those that were asked for with {@link link} are filled in. */
  get table(): WasmTable {
    return this.#table;
  }

  /** The same for programs that nobody verified: with what {@link setGuard} makes of each helper. */
  get guardedTable(): WasmTable {
    return this.#guardedTable;
  }

  /** Sets what stands between unverified programs and helpers; without one there is nothing. */
  setGuard(guard: ArgumentGuard): void {
    this.#guard = guard;
    const linked = [...this.#linked];
    this.#linked.clear();
    this.link(linked);
  }

  /** The helper as unverified programs call it. */
  guarded(id: number, { run }: Helper): HelperFunction {
    return this.#guard?.(id, run) ?? run;
  }

  /**
   * Makes `ids` callable through {@link table} and {@link guardedTable}; engines do it when they prepare a program.
   *
   * @throws BpfError `"UNKNOWN_HELPER"` for an id that isn't defined.
   */
  link(ids: Iterable<number>): void {
    const slots: TableSlot[] = [];
    for (const id of ids) {
      if (this.#linked.has(id)) continue;
      const helper = this.#helpers.get(id);
      if (helper === undefined) throw new BpfError("UNKNOWN_HELPER", `there is no function ${id}`, { id });
      for (const table of [this.#table, this.#guardedTable]) {
        if (id >= table.length) table.grow(id + 1 - table.length);
      }
      this.#linked.add(id);
      slots.push({ table: this.#table, id, name: helper.name, run: helper.run });
      slots.push({ table: this.#guardedTable, id, name: `${helper.name} guarded`, run: this.guarded(id, helper) });
    }
    fillTables(slots);
  }
}

interface TableSlot {
  readonly table: WasmTable;
  readonly id: number;
  readonly name: string;
  readonly run: HelperFunction;
}

function createTable(): WasmTable {
  return new (webAssembly().Table)({ element: "anyfunc", initial: 256 });
}

function fillTables(slots: readonly TableSlot[]): void {
  const foreign = slots.filter((slot) => !setExported(slot));
  if (foreign.length === 0) return;
  // JavaScript functions become table entries by going through a module that exports its imports.
  const module = new ModuleBuilder("helpers");
  const functions: Record<string, HelperFunction> = {};
  for (const { id, name, run } of foreign) {
    const field = `${id} ${name}`;
    functions[field] = run;
    module.exportFunction(field, module.importFunction("helper", field, [I32, I32, I32, I32, I32], [I32]));
  }
  const { exports } = instantiate(module.finish(), { helper: functions });
  for (const { table, id, name } of foreign) table.set(id, exports[`${id} ${name}`]);
}

/** A table takes functions that WebAssembly exported, and nothing else. */
function setExported({ table, id, run }: TableSlot): boolean {
  try {
    table.set(id, run);
    return true;
  } catch {
    return false;
  }
}
