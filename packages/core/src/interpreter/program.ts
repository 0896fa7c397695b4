import {
  functionRecord,
  NO_ENTRY,
  type ProgramEntries,
  type ProgramImage,
  programRecord,
  type RunStatus,
  type Runtime,
} from "../runtime/index.js";
import type { InterpreterLoop } from "./loop.js";
import type { Predecoded } from "./predecode.js";
import { programEntry } from "./program-entry.js";
import { RECORD_SIZE, record } from "./record.js";

/** A program in the interpreter's form: its records in linear memory. */
export class InterpretedProgram implements ProgramImage {
  readonly name: string;
  readonly record: number;
  readonly verified: boolean;
  /** Number of slots. */
  readonly slots: number;
  /** Addresses of the function records that its lddws load. */
  readonly functions: readonly number[];
  readonly exceptionCallback: number | undefined;
  readonly #runtime: Runtime;
  readonly #loop: InterpreterLoop;
  readonly #code: number;
  readonly #entries: ProgramEntries | undefined;

  constructor(
    runtime: Runtime,
    {
      name,
      exceptionCallback,
      verified,
      loop,
      predecoded,
      entries,
    }: {
      name: string;
      exceptionCallback: number | undefined;
      verified: boolean;
      loop: InterpreterLoop;
      predecoded: Predecoded;
      entries: ProgramEntries | undefined;
    },
  ) {
    this.#runtime = runtime;
    this.#loop = loop;
    this.name = name;
    this.exceptionCallback = exceptionCallback;
    this.verified = verified;
    this.slots = predecoded.slots;
    const { memory } = runtime;
    this.#code = memory.allocBytes(predecoded.records, 16);
    this.record = memory.alloc(programRecord.size, 16);
    this.#entries = entries;
    const entry = entries?.add(programEntry(loop.enter, this.record)) ?? NO_ENTRY;
    memory.u32[(this.record + programRecord.entry) >> 2] = entry;
    memory.u32[(this.record + programRecord.code) >> 2] = this.#code;
    memory.u32[(this.record + programRecord.slots) >> 2] = this.slots;
    memory.u32[(this.record + programRecord.frames) >> 2] = predecoded.frames;
    this.functions = this.#createFunctions(predecoded);
    runtime.addImage(this, this.functions);
  }

  execute(area: number, context: number): RunStatus {
    return this.#loop.execute(area, context) as RunStatus;
  }

  invoke(area: number, entry: number, a1: number, a2: number, a3: number, a4: number, a5: number): RunStatus {
    return this.#loop.invoke(area, entry, a1, a2, a3, a4, a5) as RunStatus;
  }

  slotAt(position: number): number {
    return (position - this.#code) / RECORD_SIZE;
  }

  /** Address of the record of `slot`. */
  positionOf(slot: number): number {
    if (!(slot >= 0 && slot < this.slots)) throw new RangeError(`${this.name} has no slot ${slot}`);
    return this.#code + slot * RECORD_SIZE;
  }

  close(): void {
    this.#runtime.removeImage(this, this.functions);
    this.#entries?.remove(this.#runtime.memory.u32[(this.record + programRecord.entry) >> 2]!);
    for (const address of [this.#code, this.record, ...this.functions]) this.#runtime.memory.free(address);
  }

  /** One record a function, however often it is loaded; the loads' immediates become its address. */
  #createFunctions({ functionLoads, callbacks }: Pick<Predecoded, "functionLoads" | "callbacks">): number[] {
    const { memory } = this.#runtime;
    const records = new Map<number, number>();
    for (const slot of callbacks) {
      const address = memory.alloc(functionRecord.size, 16);
      memory.u32[(address + functionRecord.program) >> 2] = this.record;
      memory.u32[(address + functionRecord.entry) >> 2] = this.positionOf(slot);
      memory.u32[(address + functionRecord.slot) >> 2] = slot;
      records.set(slot, address);
    }
    for (const [load, slot] of functionLoads) {
      memory.u32[(this.positionOf(load) + record.immediate) >> 2] = records.get(slot)!;
    }
    return [...records.values()];
  }
}
