export { ByteReader, ByteWriter } from "./bytes.js";
export {
  AssembleError,
  BpfError,
  FormatError,
  type FormatPlace,
  NotSupportedError,
  SyscallError,
  type SyscallFailure,
} from "./errors.js";
export {
  formatIpv4,
  formatIpv6,
  formatMac,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseMac,
} from "./network-address.js";
export { decodeText, encodeText } from "./text.js";
