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
export { decodeText, encodeText } from "./text.js";
