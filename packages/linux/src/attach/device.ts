import { errnos, libc, syscallError } from "../sys/index.js";

/**
 * The index of a network device, in the network namespace of the calling thread.
 *
 * @throws SyscallError ENODEV
 */
export function deviceIndex(device: string | number): number {
  if (typeof device === "number") return device;
  const index = libc().ifNameToIndex(device);
  if (index === 0)
    throw syscallError("if_nametoindex", errnos.ENODEV, { hint: `there is no network device '${device}' here` });
  return index;
}
