export { kernelProblem } from "./availability.js";
export * from "./oracle/index.js";
export { errnoName, NetworkNamespace, type TestRun, type TestRunResult } from "./sys/index.js";
