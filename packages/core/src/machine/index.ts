export { RunError } from "./fault-error.js";
export { Machine, type MachineOptions } from "./machine.js";
export { MachineMap } from "./machine-map.js";
export { MachineProgram } from "./machine-program.js";
export type { MachineLoadOptions } from "./object-loader.js";
export { type PacketOutcome, PacketRunner } from "./packet-runner.js";
