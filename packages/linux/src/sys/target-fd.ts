import type { SlotTarget } from "@tsbpf/core/host";
import { errnos, syscallError } from "./errno.js";

/** The fd of a map or program of this host. @throws SyscallError EBADF for another host's. */
export function fdOf(target: SlotTarget): number {
  const holder = ("raw" in target ? target.raw : target) as { readonly fd?: unknown };
  if (typeof holder.fd !== "number") {
    throw syscallError("fd of a map or program", errnos.EBADF, {
      hint: "it belongs to another host, not to the kernel",
    });
  }
  return holder.fd;
}
