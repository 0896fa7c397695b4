export { Jit, type JitOptions } from "./jit.js";
export { CompiledProgram } from "./program.js";
export type { ExecutionProof, JitExecutable } from "./proof.js";
