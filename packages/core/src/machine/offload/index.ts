export { nicLimits } from "./nic-limits.js";
export { type NicProcessor, SimulatedNic } from "./simulated-nic.js";
