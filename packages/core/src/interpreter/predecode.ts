import { BpfError } from "../base/index.js";
import {
  BPF_REG_FP,
  checkEncoding,
  classifySlot,
  decodeSlots,
  type InstructionRow,
  OPCODE_LDDW,
  type Slots,
} from "../isa/index.js";
import { type Executable, HELPER_TAIL_CALL, type Helper, type HelperTable } from "../runtime/index.js";
import { operationName, operationNumber } from "./operations.js";
import { RECORD_GUARDED, RECORD_LOADS, RECORD_SIZE, record } from "./record.js";

/** The instruction at `slot` can't be run by any engine. */
export class InvalidProgramError extends BpfError<"INVALID_PROGRAM"> {
  readonly slot: number;

  constructor(slot: number, reason: string) {
    super("INVALID_PROGRAM", `slot ${slot}: ${reason}`, { slot, reason });
    this.slot = slot;
  }
}

/** A program's records, ready to be copied to linear memory, and what they refer to. */
export interface Predecoded {
  /** One record a slot, and one behind them that faults. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly slots: number;
  /** Helpers and kfuncs called, by id. */
  readonly helpers: ReadonlySet<number>;
  readonly kfuncs: ReadonlySet<number>;
  /** Slots of lddws that load a function, and the slot where that starts. Their immediate is to be filled in. */
  readonly functionLoads: ReadonlyMap<number, number>;
}

/** State of one program's predecoding. */
interface Context {
  readonly slots: Slots;
  readonly rows: readonly (InstructionRow | undefined)[];
  readonly view: DataView;
  readonly executable: Executable;
  readonly tables: { readonly helpers: HelperTable; readonly kfuncs: HelperTable };
  readonly helpers: Set<number>;
  readonly kfuncs: Set<number>;
  readonly functionLoads: Map<number, number>;
}

/**
 * Slots to records. Distances stay relative, so records can lie anywhere.
 *
 * @throws InvalidProgramError for instructions that are no valid encoding, jumps that leave the program or land in the
 * second slot of a lddw, writes to r10, calls of helpers that don't exist and arena casts without an arena.
 */
export function predecode(
  executable: Executable,
  tables: { readonly helpers: HelperTable; readonly kfuncs: HelperTable },
): Predecoded {
  const slots = decodeSlots(executable.insns);
  if (slots.length === 0) throw new InvalidProgramError(0, "the program has no instructions");
  const records = new Uint8Array((slots.length + 1) * RECORD_SIZE);
  const context: Context = {
    slots,
    rows: classifySlots(slots),
    view: new DataView(records.buffer),
    executable,
    tables,
    helpers: new Set(),
    kfuncs: new Set(),
    functionLoads: new Map(),
  };
  for (let slot = 0; slot < slots.length; slot++) {
    const row = context.rows[slot];
    if (row !== undefined) writeRecord(context, slot, row);
  }
  context.view.setUint8(slots.length * RECORD_SIZE, operationNumber("no_exit"));
  const { helpers, kfuncs, functionLoads } = context;
  return { records, slots: slots.length, helpers, kfuncs, functionLoads };
}

/** The row of each slot; undefined for the second slot of a lddw. */
function classifySlots(slots: Slots): (InstructionRow | undefined)[] {
  const rows = new Array<InstructionRow | undefined>(slots.length).fill(undefined);
  for (let slot = 0; slot < slots.length; slot++) {
    const opcode = slots.opcode[slot]!;
    const wide = opcode === OPCODE_LDDW;
    if (wide) {
      const second = slot + 1;
      const blank =
        second < slots.length &&
        (slots.opcode[second]! | slots.dst[second]! | slots.src[second]! | slots.offset[second]!) === 0;
      if (!blank) throw new InvalidProgramError(slot, "a 64-bit immediate load without its second slot");
    }
    const row = classifySlot(slots, slot);
    const [dst, src, offset, imm] = [slots.dst[slot]!, slots.src[slot]!, slots.offset[slot]!, slots.imm[slot]!];
    // References are resolved: the immediates of a lddw hold what the host put there.
    const loaded = wide && row?.kind === "load_imm64" && row.source !== "func";
    const problem = checkEncoding({
      opcode,
      dst,
      src: loaded ? 0 : src,
      offset,
      imm,
      ...(wide && { immHigh: slots.imm[slot + 1]! }),
    });
    if (row === undefined || problem !== undefined)
      throw new InvalidProgramError(slot, problem?.message ?? "unknown instruction");
    rows[slot] = row;
    if (wide) slot++;
  }
  return rows;
}

function writeRecord(context: Context, slot: number, row: InstructionRow): void {
  const { slots, view } = context;
  const at = slot * RECORD_SIZE;
  const imm = slots.imm[slot]!;
  if (writesFramePointer(row, slots.dst[slot]!)) throw new InvalidProgramError(slot, "r10 can't be written");
  const helper = findHelper(context, slot, row);
  const tail = row.kind === "call" && row.target === "helper" && imm === HELPER_TAIL_CALL;
  const name = tail ? "tail_call" : operationName(row, imm, helper);
  view.setUint8(at + record.operation, operationNumber(name));
  view.setUint8(at + record.flags, context.executable.guarded?.has(slot) ? guardFlags(row) : 0);
  view.setUint8(at + record.dst, slots.dst[slot]! * 8);
  view.setUint8(at + record.src, slots.src[slot]! * 8);
  view.setInt32(at + record.operand, operandOf(context, slot, row), true);
  const [low, high] = immediateOf(context, slot, row);
  view.setInt32(at + record.immediate, low, true);
  view.setInt32(at + record.immediate + 4, high, true);
}

function guardFlags({ kind }: InstructionRow): number {
  return kind === "load" || kind === "load_acquire" ? RECORD_GUARDED | RECORD_LOADS : RECORD_GUARDED;
}

function writesFramePointer(row: InstructionRow, dst: number): boolean {
  switch (row.kind) {
    case "alu":
    case "neg":
    case "movsx":
    case "byte_swap":
    case "addr_space_cast":
    case "load_imm64":
    case "load":
    case "load_acquire":
      return dst === BPF_REG_FP;
    default:
      return false;
  }
}

function findHelper(
  { slots, tables, helpers, kfuncs }: Context,
  slot: number,
  row: InstructionRow,
): Helper | undefined {
  if (row.kind !== "call" || (row.target !== "helper" && row.target !== "kfunc")) return undefined;
  const id = slots.imm[slot]!;
  const [table, used] = row.target === "helper" ? [tables.helpers, helpers] : [tables.kfuncs, kfuncs];
  const helper = table.get(id);
  if (helper === undefined) throw new InvalidProgramError(slot, `there is no ${row.target} ${id}`);
  used.add(id);
  return helper;
}

function operandOf(context: Context, slot: number, row: InstructionRow): number {
  const { slots, executable } = context;
  switch (row.kind) {
    case "goto":
      return distance(context, slot, row.long ? slots.imm[slot]! : slots.offset[slot]!);
    case "branch":
    case "may_goto":
      return distance(context, slot, slots.offset[slot]!);
    case "call":
      return row.target === "local" ? distance(context, slot, slots.imm[slot]!) : slots.imm[slot]!;
    case "addr_space_cast":
      if (executable.arena === undefined) throw new InvalidProgramError(slot, "an arena cast without an arena");
      return (executable.arena.base - executable.arena.userStart.low) | 0;
    default:
      return slots.offset[slot]!;
  }
}

/** Bytes of records from the slot after this one to the target. */
function distance({ slots, rows }: Context, slot: number, offset: number): number {
  const target = slot + 1 + offset;
  if (target < 0 || target >= slots.length)
    throw new InvalidProgramError(slot, `slot ${target} is outside of the program`);
  if (rows[target] === undefined) throw new InvalidProgramError(slot, `slot ${target} is the second half of a lddw`);
  return offset * RECORD_SIZE;
}

function immediateOf(context: Context, slot: number, row: InstructionRow): [low: number, high: number] {
  const { slots, executable, functionLoads } = context;
  const imm = slots.imm[slot]!;
  switch (row.kind) {
    case "load_imm64":
      if (row.source === "func") {
        distance(context, slot, imm);
        functionLoads.set(slot, slot + 1 + imm);
      }
      return [imm, slots.imm[slot + 1]!];
    case "alu":
      return [imm, row.width === 64 ? imm >> 31 : 0];
    case "addr_space_cast":
      return [0, executable.arena?.userStart.high ?? 0];
    default:
      return [imm, imm >> 31];
  }
}
