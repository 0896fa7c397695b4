export { type AncillaryLoad, ancillaryLoad } from "./ancillary.js";
export { type ClassicProblem, checkClassic } from "./check.js";
export { disassembleClassic } from "./disassemble.js";
export { type ClassicAluOperation, type ClassicComparison, type ClassicForm, classicForms } from "./form.js";
export {
  CLASSIC_INSTRUCTION_SIZE,
  CLASSIC_MAX_INSTRUCTIONS,
  CLASSIC_MEMORY_WORDS,
  type ClassicInstruction,
  decodeClassic,
  encodeClassic,
} from "./instruction.js";
export { parseClassic } from "./parse.js";
export { type ClassicEnvironment, prepareClassic, runClassic } from "./run.js";
export { translateClassic } from "./translate.js";
