export { subscribePerfBuffer } from "./perf-buffer.js";
export { subscribeRingBuffer } from "./ring-buffer.js";
export { UserRing } from "./user-ring.js";
