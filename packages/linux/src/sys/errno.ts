import { constants } from "node:os";
import { SyscallError } from "@tsbpf/core/base";
import { type Capability, permissionHint } from "./permissions.js";

/** `ENOTSUPP`: the kernel's own "not supported", which reaches user space although no header there has it. */
export const ENOTSUPP = 524;

const aliases = new Set(["EWOULDBLOCK", "EDEADLOCK", "EOPNOTSUPP"]);
const names: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno)
    .filter(([name]) => !aliases.has(name))
    .map(([name, value]) => [value, name] as const),
  [95, "EOPNOTSUPP"],
  [ENOTSUPP, "ENOTSUPP"],
]);

/** Positive errno to its name, e.g. `"EPERM"`; `"errno 600"` for one without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

const meanings: ReadonlyMap<number, string> = new Map([
  [constants.errno.ENOENT, "no such entry or object"],
  [constants.errno.E2BIG, "too big, or the map is full"],
  [constants.errno.EAGAIN, "try again"],
  [constants.errno.ENOMEM, "out of memory"],
  [constants.errno.EACCES, "access denied, or the verifier said no"],
  [constants.errno.EBUSY, "busy: in use by another"],
  [constants.errno.EEXIST, "exists already"],
  [constants.errno.EINVAL, "an argument that the kernel does not take"],
  [constants.errno.ENODEV, "no such device"],
  [constants.errno.ENOSPC, "no space"],
  [constants.errno.EBADF, "not an open file of the right kind"],
  [constants.errno.ENOTSUP, "not supported"],
  [ENOTSUPP, "not supported"],
  [constants.errno.ENAMETOOLONG, "a name is too long: 255 bytes in a path, 15 of a device"],
  [constants.errno.ESRCH, "no such process or function"],
]);

/**
 * The error of a system call that failed.
 *
 * @param what What was tried, for the message: `"BPF_MAP_CREATE of 'flows'"`. Its first word is the command.
 * @param options.needs For EPERM: capabilities beside those that the command always needs.
 */
export function syscallError(
  what: string,
  errno: number,
  options: { log?: string; hint?: string; needs?: readonly Capability[] } = {},
): SyscallError {
  const name = errnoName(errno);
  const meaning =
    options.hint ?? (isPermission(what, errno) ? permissionHint(what, options.needs) : meanings.get(errno));
  const command = what.split(" ", 1)[0]!;
  const message = `${what}: ${name}${meaning === undefined ? "" : ` (${meaning})`}`;
  return new SyscallError(message, { command, errno, errnoName: name, log: options.log });
}

/** perf_event_open(2) says EACCES to who lacks the capability. */
function isPermission(what: string, errno: number): boolean {
  return errno === constants.errno.EPERM || (errno === constants.errno.EACCES && what.startsWith("perf_event_open"));
}

/** Numbers of errors, by their names. */
export const errnos = constants.errno;
