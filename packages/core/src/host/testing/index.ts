export { type HostUnderTest, hostContract } from "./host-contract.js";
export { assembleProgram, type ProgramCase, programCases, testFrame } from "./program-case.js";
export { asm, errnoOf, mapSpec, programSpec, u32, u64 } from "./specs.js";
