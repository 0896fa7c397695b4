import { type WasmTable, webAssembly } from "../wasm/index.js";

/** Entries of the programs of one engine, which tail calls go to. A program's record holds its index. */
export class ProgramTable {
  readonly table: WasmTable = new (webAssembly().Table)({ element: "anyfunc", initial: 16 });
  readonly #free: number[] = [];
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
}
