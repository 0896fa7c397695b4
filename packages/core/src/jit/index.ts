export { Jit, type JitOptions } from "./jit.js";
export type { FunctionListing, ListingLine } from "./listing.js";
export { CompiledProgram } from "./program.js";
export type { ExecutionProof, JitExecutable } from "./proof.js";
export { defaultJitSettings, type JitSettings } from "./settings.js";
export type { CodeStatistics, CompileStatistics } from "./statistics.js";
export type { JitSymbol, ProgramIdentity } from "./symbols.js";
