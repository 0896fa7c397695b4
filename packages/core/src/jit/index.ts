export { Jit, type JitOptions } from "./jit.js";
export { CompiledProgram } from "./program.js";
