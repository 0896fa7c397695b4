export { type DebugFrame, DebugSession } from "./debug-session.js";
export { Interpreter } from "./interpreter.js";
export { InterpretedProgram } from "./program.js";
