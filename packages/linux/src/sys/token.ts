import { BpfCall } from "./bpf.js";
import { errnos, syscallError } from "./errno.js";
import { FileDescriptor } from "./file-descriptor.js";
import { openReadOnly } from "./open.js";

/** The flag beside a token's fd, in the flags of maps, programs and BTF. */
const BPF_F_TOKEN_FD = 1 << 16;

/**
 * Rights to bpf(2) for a process of a user namespace (BPF_TOKEN_CREATE, since 6.9): those that somebody with
 * CAP_SYS_ADMIN put into the mount options of a bpffs of that namespace (`delegate_cmds`, `delegate_maps`,
 * `delegate_progs`, `delegate_attachs`).
 *
 * @see https://docs.ebpf.io/linux/concepts/token/
 */
export class BpfToken {
  readonly #fd: FileDescriptor;

  private constructor(fd: number, what: string) {
    this.#fd = new FileDescriptor(fd, `BPF token of ${what}`);
  }

  /**
   * @param bpffs Where the bpffs is mounted, or an fd of its root (not an O_PATH one).
   * @throws SyscallError EOPNOTSUPP in the first user namespace, EPERM of a namespace that the bpffs was not mounted for
   * or without CAP_BPF in it, ENOENT for a mount that delegates nothing, EINVAL for another file system
   */
  static create(bpffs: string | number): BpfToken {
    if (typeof bpffs === "number") return BpfToken.#of(bpffs, `fd ${bpffs}`);
    using folder = openReadOnly(bpffs);
    return BpfToken.#of(folder.number, bpffs);
  }

  static #of(fd: number, what: string): BpfToken {
    const result = new BpfCall("BPF_TOKEN_CREATE", { bpffs_fd: fd }).try();
    if (result >= 0) return new BpfToken(result, what);
    const hint = reasons.get(-result);
    throw syscallError(`BPF_TOKEN_CREATE of ${what}`, -result, hint === undefined ? {} : { hint });
  }

  /** For calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  close(): void {
    if (current === this) current = undefined;
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const reasons: ReadonlyMap<number, string> = new Map([
  [errnos.EOPNOTSUPP, "tokens are for user namespaces other than the first, whose processes have capabilities instead"],
  [errnos.ENOENT, "the bpffs was mounted without delegate_ options"],
  [errnos.EINVAL, "not the root of a bpffs, or a kernel before 6.9"],
  [errnos.EPERM, "needs CAP_BPF in this user namespace, and a bpffs that was mounted for it"],
]);

const none = { fd: undefined, flag: 0 };
let current: BpfToken | undefined;

/**
 * The token with which this process makes maps, BTF and programs from now on; undefined for none. The kernel looks at it
 * first and at capabilities where it does not delegate enough.
 */
export function useToken(token: BpfToken | undefined): void {
  current = token;
}

/** The token in use: its fd, and the flag that goes with it (0 without). */
export function tokenInUse(): { readonly fd: number | undefined; readonly flag: number } {
  return current === undefined ? none : { fd: current.fd, flag: BPF_F_TOKEN_FD };
}
