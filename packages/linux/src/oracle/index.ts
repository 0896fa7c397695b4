export {
  KernelProgram,
  type KernelVerdict,
  loadOnKernel,
  type OracleMap,
  type RawProgram,
  verifyOnKernel,
} from "./kernel-program.js";
export { lastMessage, parseVerifierStatistics, type VerifierStatistics } from "./verifier-log.js";
