export {
  decodeInstructions,
  decodeSlots,
  encodeInstructions,
  encodeSlots,
  type Instruction,
  OPCODE_LDDW,
  SLOT_SIZE,
  type Slots,
  slotCount,
} from "./instruction.js";
