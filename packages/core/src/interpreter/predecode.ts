import { HELPER_TAIL_CALL } from "../abi/index.js";
import type { InstructionRow } from "../isa/index.js";
import {
  type CallTables,
  calledHelper,
  callFrames,
  type DecodedProgram,
  decodeProgram,
  type Executable,
  targetOf,
} from "../runtime/index.js";
import { operationName, operationNumber } from "./operations.js";
import { RECORD_GUARDED, RECORD_LOADS, RECORD_SIZE, record } from "./record.js";

/** A program's records, ready to be copied to linear memory, and what they refer to. */
export interface Predecoded {
  /** One record a slot, and one behind them that faults. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly slots: number;
  /** Call frames that it may nest. */
  readonly frames: number;
  /** Helpers and kfuncs called, by id. */
  readonly helpers: ReadonlySet<number>;
  readonly kfuncs: ReadonlySet<number>;
  /** Slots of lddws that load a function, and the slot where that starts. Their immediate is to be filled in. */
  readonly functionLoads: ReadonlyMap<number, number>;
  readonly callbacks: ReadonlySet<number>;
}

/**
 * Slots to records. Distances stay relative, so records can lie anywhere.
 *
 * @throws InvalidProgramError
 */
export function predecode(executable: Executable, tables: CallTables): Predecoded {
  const program = decodeProgram(executable, tables);
  const { slots, rows, helpers, kfuncs, functionLoads, callbacks } = program;
  const records = new Uint8Array((slots.length + 1) * RECORD_SIZE);
  const view = new DataView(records.buffer);
  for (let slot = 0; slot < slots.length; slot++) {
    const row = rows[slot];
    if (row !== undefined) writeRecord(view, program, tables, slot, row);
  }
  view.setUint8(slots.length * RECORD_SIZE, operationNumber("no_exit"));
  return { records, slots: slots.length, frames: callFrames(program), helpers, kfuncs, functionLoads, callbacks };
}

function writeRecord(
  view: DataView,
  program: DecodedProgram,
  tables: CallTables,
  slot: number,
  row: InstructionRow,
): void {
  const { slots, executable } = program;
  const at = slot * RECORD_SIZE;
  const imm = slots.imm[slot]!;
  const tail = row.kind === "call" && row.target === "helper" && imm === HELPER_TAIL_CALL;
  const name = tail ? "tail_call" : operationName(row, imm, calledHelper(program, slot, tables));
  view.setUint8(at + record.operation, operationNumber(name));
  view.setUint8(at + record.flags, executable.guarded?.has(slot) ? guardFlags(row) : 0);
  view.setUint8(at + record.dst, slots.dst[slot]! * 8);
  view.setUint8(at + record.src, slots.src[slot]! * 8);
  view.setInt32(at + record.operand, operandOf(program, slot, row), true);
  const [low, high] = immediateOf(program, slot, row);
  view.setInt32(at + record.immediate, low, true);
  view.setInt32(at + record.immediate + 4, high, true);
}

function guardFlags({ kind }: InstructionRow): number {
  return kind === "load" || kind === "load_acquire" ? RECORD_GUARDED | RECORD_LOADS : RECORD_GUARDED;
}

function operandOf(program: DecodedProgram, slot: number, row: InstructionRow): number {
  const { slots, executable } = program;
  switch (row.kind) {
    case "goto":
    case "branch":
    case "may_goto":
      return distance(program, slot);
    case "call":
      return row.target === "local" ? distance(program, slot) : slots.imm[slot]!;
    case "addr_space_cast":
      return ((executable.arena?.base ?? 0) - (executable.arena?.userStart.low ?? 0)) | 0;
    default:
      return slots.offset[slot]!;
  }
}

/** Bytes of records from the slot after this one to the target. */
function distance(program: DecodedProgram, slot: number): number {
  return ((targetOf(program, slot) ?? slot + 1) - slot - 1) * RECORD_SIZE;
}

function immediateOf(program: DecodedProgram, slot: number, row: InstructionRow): [low: number, high: number] {
  const { slots, executable } = program;
  const imm = slots.imm[slot]!;
  switch (row.kind) {
    case "load_imm64":
      return [imm, slots.imm[slot + 1]!];
    case "alu":
      return [imm, row.width === 64 ? imm >> 31 : 0];
    case "addr_space_cast":
      return [0, executable.arena?.userStart.high ?? 0];
    default:
      return [imm, imm >> 31];
  }
}
