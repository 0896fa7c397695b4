export { deviceContract } from "./device-contract.js";
export {
  CONTRACT_ETHER_TYPE,
  contractFrame,
  type DevicesUnderTest,
  type DeviceTestBed,
  isContractFrame,
  type TestDevice,
} from "./device-test-bed.js";
export { hostContract } from "./host-contract.js";
export type { HostUnderTest } from "./host-under-test.js";
export { assembleProgram, type ProgramCase, programCases, testFrame } from "./program-case.js";
export { socketContract } from "./socket-contract.js";
export type { ContractSocket, SocketTestBed } from "./socket-test-bed.js";
export { asm, errnoOf, mapSpec, programSpec, u32, u64 } from "./specs.js";
