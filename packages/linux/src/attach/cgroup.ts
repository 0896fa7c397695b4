import { type AttachType, attachTypeId } from "@tsbpf/core/abi";
import type { Program } from "@tsbpf/core/host";
import { hookOf, requireType } from "./attach-type.js";
import { withDirectory } from "./directory.js";
import { createLink, type KernelLink } from "./link.js";

/** Attach types of program types that need not say theirs. */
const implied: Readonly<Partial<Record<string, AttachType>>> = {
  sock_ops: "cgroup_sock_ops",
  cgroup_device: "cgroup_device",
  cgroup_sysctl: "cgroup_sysctl",
  cgroup_sock: "cgroup_inet_sock_create",
};

const types = [
  "cgroup_skb",
  "cgroup_sock",
  "cgroup_sock_addr",
  "cgroup_sockopt",
  "cgroup_sysctl",
  "cgroup_device",
  "sock_ops",
  "lsm",
] as const;

/**
 * Attaches a program to a cgroup (v2) and everything below it, by a link. Since 5.7.
 *
 * @param cgroup Its folder, e.g. `/sys/fs/cgroup/my.slice`.
 * @param attachType Where the program doesn't say it itself: direction of a cgroup_skb program ...
 * @throws SyscallError EBADF for a cgroup v1 folder, EINVAL for a program of another type.
 */
export function attachCgroup(program: Program, cgroup: string, attachType?: AttachType): KernelLink {
  requireType(program, "a cgroup", ...types);
  const type = hookOf(program, attachType ?? program.spec.attachType ?? implied[program.type]);
  return withDirectory(cgroup, (fd) =>
    createLink("cgroup", program, { target_fd: fd, attach_type: attachTypeId(type) }, `to ${cgroup}`),
  );
}
