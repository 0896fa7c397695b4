import { HandleArrayMap, type LiveMap } from "../maps/index.js";
import type { ProgramEntries } from "../runtime/index.js";
import { type WasmTable, webAssembly } from "../wasm/index.js";

/** Prog arrays with more entries than this have no table of their own. */
const MAX_OWN_ENTRIES = 1024;

/** Entries of programs, which tail calls go to. A program's record holds its index. */
export class ProgramTable implements ProgramEntries {
  readonly table: WasmTable = createTable(16);
  readonly #free: number[] = [];
  readonly #ofArrays = new WeakMap<LiveMap, WasmTable>();
  #used = 0;

  add(entry: unknown): number {
    const index = this.#free.pop() ?? this.#used++;
    if (index === this.table.length) this.table.grow(this.table.length);
    this.table.set(index, entry);
    return index;
  }

  remove(index: number): void {
    this.table.set(index, null);
    this.#free.push(index);
  }

  /**
   * The entries of the programs in a prog array, by its own indices: a tail call through it need not wait for what the
   * array says, which is kept in step.
   *
   * @param entryOf index in {@link table} of the program that an entry refers to; undefined for one that it doesn't hold
   */
  ofArray(map: HandleArrayMap, entryOf: (handle: number) => number | undefined): WasmTable {
    let table = this.#ofArrays.get(map);
    if (table !== undefined) return table;
    const own = createTable(map.maxEntries);
    const set = (index: number, handle: number) => {
      const entry = handle === 0 ? undefined : entryOf(handle);
      own.set(index, entry === undefined ? null : this.table.get(entry));
    };
    for (let index = 0; index < map.maxEntries; index++) set(index, map.handleOf(index));
    const others = map.onChange;
    map.onChange = (index, handle) => {
      others?.(index, handle);
      set(index, handle);
    };
    table = own;
    this.#ofArrays.set(map, table);
    return table;
  }
}

/** Whether a map is a prog array that has a table of its own. */
export function hasOwnTable(map: LiveMap | undefined): map is HandleArrayMap {
  return map instanceof HandleArrayMap && map.type === "prog_array" && map.maxEntries <= MAX_OWN_ENTRIES;
}

function createTable(initial: number): WasmTable {
  return new (webAssembly().Table)({ element: "anyfunc", initial });
}
