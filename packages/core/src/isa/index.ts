export { type AssembleOptions, assemble, assembleObject } from "./assemble.js";
export type {
  Assembly,
  AssemblyFunction,
  AssemblyLine,
  AssemblyMap,
  AssemblyPointer,
  AssemblyReference,
  AssemblySection,
  AssemblyVariable,
} from "./assembly.js";
export {
  type AccessType,
  alu32,
  alu64,
  atomic,
  byteSwap,
  call,
  exit,
  goto,
  jump,
  jump32,
  lddw,
  lddwOf,
  ldx,
  loadPacket,
  mov32,
  mov64,
  movsx,
  neg,
  type Register,
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  r10,
  store,
} from "./build.js";
export * from "./classic/index.js";
export { classify, classifyInstruction, classifySlot, rowsOfOpcode } from "./classify.js";
export {
  type DisassembledLine,
  type DisassembleOptions,
  disassemble,
  disassembleInstruction,
  disassembleSlot,
} from "./disassemble.js";
export { checkEncoding, type EncodingProblem } from "./encoding.js";
export type {
  AccessSize,
  AluOperation,
  AtomicOperation,
  CallTarget,
  Comparison,
  InstructionForm,
  InstructionKind,
  OperandSource,
  WideSource,
  Width,
} from "./form.js";
export type { InstructionNames } from "./format.js";
export {
  decodeInstructions,
  decodeSlots,
  encodeInstructions,
  encodeSlots,
  type Instruction,
  OPCODE_CALL,
  OPCODE_EXIT,
  OPCODE_LDDW,
  SLOT_SIZE,
  type Slots,
  slotCount,
} from "./instruction.js";
export { type InsertOptions, InstructionList } from "./instruction-list.js";
export { namedDestination } from "./named-destination.js";
export * from "./opcodes.js";
export { ReferencePatch } from "./reference-patch.js";
export type { ConformanceGroup, InstructionField, InstructionRow, IsaVersion, OperandForm } from "./row.js";
export { instructionTable } from "./table.js";
