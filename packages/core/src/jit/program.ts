import {
  callFrames,
  type DecodedProgram,
  functionRecord,
  type ProgramImage,
  programRecord,
  type RunStatus,
  type Runtime,
} from "../runtime/index.js";
import type { WasmFunction } from "../wasm/index.js";
import { Blinding } from "./blinding.js";
import type { CompiledModule } from "./compile.js";
import type { FunctionListing } from "./listing.js";
import type { ProgramTable } from "./program-table.js";
import type { CompileStatistics } from "./statistics.js";
import type { JitSymbol } from "./symbols.js";

/** Records in linear memory that a program's code and its callers refer to. They exist before the code does. */
export class ProgramRecords {
  readonly program: number;
  /** Addresses of function records by the function's first slot. */
  readonly functions: ReadonlyMap<number, number>;
  /** Keys of the program's constants, where they are hidden. */
  readonly blinding: Blinding | undefined;
  readonly #runtime: Runtime;

  constructor(runtime: Runtime, program: DecodedProgram, blinded: boolean) {
    this.#runtime = runtime;
    const { memory } = runtime;
    this.blinding = blinded ? new Blinding(memory, program.slots.length) : undefined;
    this.program = memory.alloc(programRecord.size, 16);
    memory.u32[(this.program + programRecord.slots) >> 2] = program.slots.length;
    memory.u32[(this.program + programRecord.frames) >> 2] = callFrames(program);
    memory.u32[(this.program + programRecord.code) >> 2] = 0;
    const records = new Map<number, number>();
    for (const slot of program.callbacks) {
      const address = memory.alloc(functionRecord.size, 16);
      memory.u32[(address + functionRecord.program) >> 2] = this.program;
      memory.u32[(address + functionRecord.entry) >> 2] = records.size;
      memory.u32[(address + functionRecord.slot) >> 2] = slot;
      records.set(slot, address);
    }
    this.functions = records;
  }

  free(): void {
    for (const address of [this.program, ...this.functions.values()]) this.#runtime.memory.free(address);
    this.blinding?.free();
  }
}

/** What a program's module exports. */
export interface ProgramExports {
  readonly execute: WasmFunction;
  readonly repeat: WasmFunction;
  readonly batch?: WasmFunction;
  readonly invoke: WasmFunction;
  /** A function for the table that tail calls go through; JavaScript can't call it. */
  readonly entry: unknown;
}

/** What {@link CompiledProgram} is made of. */
interface ProgramParts extends Pick<CompiledModule, "bytes" | "functions" | "listing"> {
  readonly name: string;
  readonly exceptionCallback: number | undefined;
  readonly statistics: CompileStatistics;
  readonly blinded: boolean;
  readonly records: ProgramRecords;
  readonly exports: ProgramExports;
}

/** A program as a WebAssembly instance. Its code never changes: engines keep compiled modules where nothing writes. */
export class CompiledProgram implements ProgramImage {
  readonly name: string;
  readonly record: number;
  readonly functions: readonly number[];
  readonly exceptionCallback: number | undefined;
  /** Whether its constants are hidden. */
  readonly blinded: boolean;
  readonly #parts: ProgramParts;
  readonly #closed: () => void;
  readonly #runtime: Runtime;
  readonly #table: ProgramTable;
  readonly #records: ProgramRecords;
  readonly #exports: ProgramExports;
  readonly #entry: number;

  constructor(runtime: Runtime, table: ProgramTable, parts: ProgramParts, closed: () => void) {
    this.#runtime = runtime;
    this.#table = table;
    this.name = parts.name;
    this.blinded = parts.blinded;
    this.#parts = parts;
    this.#closed = closed;
    this.#records = parts.records;
    this.#exports = parts.exports;
    this.record = parts.records.program;
    this.exceptionCallback = parts.exceptionCallback;
    this.functions = [...parts.records.functions.values()];
    this.#entry = table.add(parts.exports.entry);
    runtime.memory.u32[(this.record + programRecord.entry) >> 2] = this.#entry;
    runtime.addImage(this, this.functions);
  }

  execute(area: number, context: number): RunStatus {
    return this.#exports.execute(area, context) as RunStatus;
  }

  repeat(area: number, context: number, times: number): RunStatus {
    return this.#exports.repeat(area, context, times) as RunStatus;
  }

  get batch(): WasmFunction | undefined {
    return this.#exports.batch;
  }

  invoke(area: number, entry: number, a1: number, a2: number, a3: number, a4: number, a5: number): RunStatus {
    return this.#exports.invoke(area, entry, a1, a2, a3, a4, a5) as RunStatus;
  }

  /** Positions are slots. */
  slotAt(position: number): number {
    return position;
  }

  close(): void {
    this.#runtime.removeImage(this, this.functions);
    this.#table.remove(this.#entry);
    this.#records.free();
    this.#closed();
  }

  /** What its translation took and gave. */
  get statistics(): CompileStatistics {
    return this.#parts.statistics;
  }

  /** Whether every access is checked, because no verifier vouches for the program. */
  get checked(): boolean {
    return this.#parts.statistics.checked;
  }

  /** Bytes of its WebAssembly. */
  get size(): number {
    return this.#parts.bytes.length;
  }

  /** A copy of its WebAssembly. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#parts.bytes.slice();
  }

  /** Its WebAssembly as text, where the JIT was told to keep it ({@link JitOptions.listings}). */
  get listing(): readonly FunctionListing[] | undefined {
    return this.#parts.listing;
  }

  /** Its functions, as /proc/kallsyms lists them. */
  symbols(): JitSymbol[] {
    return this.#parts.functions.map(({ name, size }) => ({ name, address: this.record, size }));
  }
}
