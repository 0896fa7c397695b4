import type { InstructionForm } from "../isa/index.js";
import type { Helper } from "../runtime/index.js";
import { i32, i64 } from "../wasm/index.js";
import { arithmeticOperations } from "./arithmetic.js";
import { branchOperations } from "./branches.js";
import { callOperations } from "./calls.js";
import type { Operation } from "./emitter.js";
import { atomicName, memoryOperations } from "./memory-access.js";
import { RECORD_SIZE } from "./record.js";

/** The interpreter's operations; the index is the number in a record. Those of one family are neighbours. */
export const operations: readonly Operation[] = [
  ...branchOperations(),
  ...arithmeticOperations(),
  ...memoryOperations(),
  ...callOperations(),
  {
    name: "set",
    emit: (e) => {
      e.dstAddress();
      e.immediate(64).store(i64.store);
    },
  },
  {
    // The same for the instruction of two slots.
    name: "set_wide",
    emit: (e) => {
      e.dstAddress();
      e.immediate(64).store(i64.store);
      e.f.get(e.pc).i32(RECORD_SIZE).op(i32.add).set(e.pc);
    },
  },
  { name: "breakpoint", emit: (e) => void e.f.br(e.labels.stopped) },
];

const numbers = new Map(operations.map(({ name }, number) => [name, number]));

/** Number of the operation called `name`. */
export function operationNumber(name: string): number {
  const number = numbers.get(name);
  if (number === undefined) throw new RangeError(`the interpreter has no operation ${name}`);
  return number;
}

/** Name of the operation that carries an instruction out. */
export function operationName(form: InstructionForm, imm: number, helper: Helper | undefined): string {
  switch (form.kind) {
    case "alu":
      if (form.operation === "mov" && form.source === "imm") return "set";
      return `${form.operation}${form.width}_${form.source}`;
    case "neg":
      return `neg${form.width}`;
    case "movsx":
      return `movsx${form.width}_${form.from}`;
    case "byte_swap":
      if (form.order !== "le") return `reverse${form.bits}`;
      return form.bits === 64 ? "nothing" : `truncate${form.bits}`;
    case "addr_space_cast":
      return imm === 1 ? "cast_from_user" : "cast_to_user";
    case "load_imm64":
      return "set_wide";
    case "load":
      return `load${form.size * 8}${form.signed ? "_signed" : ""}`;
    case "load_acquire":
      return `load${form.size * 8}`;
    case "store":
      return `store${form.size * 8}_${form.source}`;
    case "store_release":
      return `store${form.size * 8}_reg`;
    case "atomic":
      return atomicName(form.operation, form.size, form.fetch);
    case "load_packet":
      return `packet_${form.mode}${form.size * 8}`;
    case "goto":
    case "may_goto":
    case "exit":
      return form.kind;
    case "branch":
      return `j${form.comparison}${form.width}_${form.source}`;
    case "call":
      if (form.target === "local" || form.target === "register") return `call_${form.target}`;
      return `call_${form.target}_${helper?.result ?? "int"}`;
  }
}
