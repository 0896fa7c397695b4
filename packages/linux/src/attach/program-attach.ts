import { type AttachType, attachTypeId } from "@tsbpf/core/abi";
import { BpfCall, openReadOnly, syscallError } from "../sys/index.js";

/** Where a program is attached without a link, by BPF_PROG_ATTACH; it stays until it is detached. */
export type AttachPoint =
  /** A cgroup's folder, or a map's fd. */
  | { readonly cgroup: string }
  | { readonly mapFd: number }
  /** A device, for tcx. Since 6.6. */
  | { readonly device: number }
  /** The calling thread's network namespace. */
  | { readonly namespace: true };

function withTarget<T>(point: AttachPoint, work: (target: { target_fd: number } | { target_ifindex: number }) => T): T {
  if ("mapFd" in point) return work({ target_fd: point.mapFd });
  if ("device" in point) return work({ target_ifindex: point.device });
  if ("namespace" in point) return work({ target_fd: 0 });
  using folder = openReadOnly(point.cgroup);
  return work({ target_fd: folder.number });
}

/**
 * BPF_PROG_ATTACH.
 *
 * @param flags BPF_F_ALLOW_OVERRIDE (1), BPF_F_ALLOW_MULTI (2), BPF_F_REPLACE (4), BPF_F_BEFORE (8), BPF_F_AFTER (16)
 * @throws SyscallError
 */
export function attachProgram(programFd: number, type: AttachType, point: AttachPoint, flags = 0): void {
  withTarget(point, (target) => {
    const attr = { ...target, attach_bpf_fd: programFd, attach_type: attachTypeId(type), attach_flags: flags };
    const result = new BpfCall("BPF_PROG_ATTACH", attr).try();
    if (result < 0) throw syscallError(`BPF_PROG_ATTACH as ${type}`, -result);
  });
}

/** BPF_PROG_DETACH. @throws SyscallError ENOENT where the program is not attached there */
export function detachProgram(programFd: number | undefined, type: AttachType, point: AttachPoint): void {
  withTarget(point, (target) => {
    const attr = { ...target, attach_bpf_fd: programFd, attach_type: attachTypeId(type) };
    const result = new BpfCall("BPF_PROG_DETACH", attr).try();
    if (result < 0) throw syscallError(`BPF_PROG_DETACH as ${type}`, -result);
  });
}
