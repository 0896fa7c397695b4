import { disassemble } from "../../packages/core/dist/index.js";

/** The program as assembly, where it can be. */
export function printProgram({ insns, type, attachType, flags, functions }) {
  const head = `# ${type}${attachType === undefined ? "" : ` ${attachType}`}, flags ${flags}${functions === undefined ? "" : ", with BTF"}`;
  const lines = disassemble(insns).map(({ slot, text }) => `${String(slot).padStart(4)}: ${text}`);
  return [head, ...lines].join("\n");
}
