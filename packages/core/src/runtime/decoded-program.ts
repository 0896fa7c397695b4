import { BpfError } from "../base/index.js";
import {
  BPF_REG_FP,
  checkEncoding,
  classifySlot,
  decodeSlots,
  type InstructionRow,
  namedDestination,
  OPCODE_LDDW,
  type Slots,
} from "../isa/index.js";
import type { Executable } from "./executable.js";
import type { Helper, HelperTable } from "./helper-table.js";

/** The instruction at `slot` can't be run by any engine. */
export class InvalidProgramError extends BpfError<"INVALID_PROGRAM"> {
  readonly slot: number;

  constructor(slot: number, reason: string) {
    super("INVALID_PROGRAM", `slot ${slot}: ${reason}`, { slot, reason });
    this.slot = slot;
  }
}

/** Helpers and kfuncs by number. */
export interface CallTables {
  readonly helpers: HelperTable;
  readonly kfuncs: HelperTable;
}

/** A program that engines can make something of: its instructions, and what they refer to. */
export interface DecodedProgram {
  readonly executable: Executable;
  readonly slots: Slots;
  /** The row of each slot; undefined for the second slot of a lddw. */
  readonly rows: readonly (InstructionRow | undefined)[];
  /** Helpers and kfuncs called, by id. */
  readonly helpers: ReadonlySet<number>;
  readonly kfuncs: ReadonlySet<number>;
  /** Slots of lddws that load a function, and the slot where that starts. Their immediate is the engine's. */
  readonly functionLoads: ReadonlyMap<number, number>;
  /** First slots of the functions that helpers may call back: those that are loaded, and the exception callback. */
  readonly callbacks: ReadonlySet<number>;
}

/**
 * Decodes a program and checks what no engine can do without.
 *
 * @throws InvalidProgramError for instructions that are no valid encoding, jumps that leave the program or land in the
 * second slot of a lddw, writes to r10, calls of helpers that don't exist and arena casts without an arena.
 */
export function decodeProgram(executable: Executable, tables: CallTables): DecodedProgram {
  const slots = decodeSlots(executable.insns);
  if (slots.length === 0) throw new InvalidProgramError(0, "the program has no instructions");
  const rows = classifySlots(slots, executable.verified ?? false);
  const [helpers, kfuncs] = [new Set<number>(), new Set<number>()];
  const functionLoads = new Map<number, number>();
  const callbacks = new Set<number>();
  if (executable.exceptionCallback !== undefined) callbacks.add(executable.exceptionCallback);
  const program: DecodedProgram = { executable, slots, rows, helpers, kfuncs, functionLoads, callbacks };
  for (let slot = 0; slot < slots.length; slot++) {
    const row = rows[slot];
    if (row === undefined) continue;
    if (namedDestination(row, slots.dst[slot]!, slots.src[slot]!) === BPF_REG_FP)
      throw new InvalidProgramError(slot, "r10 can't be written");
    if (calledHelper(program, slot, tables) !== undefined) {
      (row.kind === "call" && row.target === "helper" ? helpers : kfuncs).add(slots.imm[slot]!);
    }
    const target = targetOf(program, slot);
    if (target !== undefined) checkTarget(program, slot, target);
    if (row.kind === "load_imm64" && row.source === "func") {
      functionLoads.set(slot, target!);
      callbacks.add(target!);
    }
    if (row.kind === "addr_space_cast" && executable.arena === undefined)
      throw new InvalidProgramError(slot, "an arena cast without an arena");
  }
  return program;
}

/** Slot that an instruction jumps to, calls or loads the address of; undefined for instructions that do none of it. */
export function targetOf({ slots, rows }: Pick<DecodedProgram, "slots" | "rows">, slot: number): number | undefined {
  const row = rows[slot];
  switch (row?.kind) {
    case "goto":
      return slot + 1 + (row.long ? slots.imm[slot]! : slots.offset[slot]!);
    case "branch":
    case "may_goto":
      return slot + 1 + slots.offset[slot]!;
    case "call":
      return row.target === "local" ? slot + 1 + slots.imm[slot]! : undefined;
    case "load_imm64":
      return row.source === "func" ? slot + 1 + slots.imm[slot]! : undefined;
    default:
      return undefined;
  }
}

/** The helper or kfunc that the instruction calls. @throws InvalidProgramError for one that there isn't. */
export function calledHelper(
  { slots, rows }: Pick<DecodedProgram, "slots" | "rows">,
  slot: number,
  tables: CallTables,
): Helper | undefined {
  const row = rows[slot];
  if (row?.kind !== "call" || (row.target !== "helper" && row.target !== "kfunc")) return undefined;
  const id = slots.imm[slot]!;
  const helper = (row.target === "helper" ? tables.helpers : tables.kfuncs).get(id);
  if (helper === undefined) throw new InvalidProgramError(slot, `there is no ${row.target} ${id}`);
  return helper;
}

/** A verifier that vouches for the program has looked at its encoding: the kernel's lets some unused fields be anything. */
function classifySlots(slots: Slots, verified: boolean): (InstructionRow | undefined)[] {
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
    const immHigh = wide ? { immHigh: slots.imm[slot + 1]! } : {};
    const problem = verified
      ? undefined
      : checkEncoding({ opcode, dst, src: loaded ? 0 : src, offset, imm, ...immHigh });
    if (row === undefined || problem !== undefined)
      throw new InvalidProgramError(slot, problem?.message ?? "unknown instruction");
    rows[slot] = row;
    if (wide) slot++;
  }
  return rows;
}

function checkTarget({ slots, rows }: DecodedProgram, slot: number, target: number): void {
  if (target < 0 || target >= slots.length)
    throw new InvalidProgramError(slot, `slot ${target} is outside of the program`);
  if (rows[target] === undefined) throw new InvalidProgramError(slot, `slot ${target} is the second half of a lddw`);
}
