import { errnoName } from "../abi/index.js";
import { SyscallError } from "../base/index.js";

/** The error of a call that the kernel would have refused with `errno` (positive). */
export function failure(command: string, errno: number, reason: string): SyscallError {
  const name = errnoName(errno);
  return new SyscallError(`${command}: ${name} (${reason})`, { command, errno, errnoName: name });
}
