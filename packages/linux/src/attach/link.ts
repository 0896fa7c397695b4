import { NotSupportedError } from "@tsbpf/core/base";
import type { Link, Program } from "@tsbpf/core/host";
import { pinNamed } from "../host/pinning.js";
import { BpfCall, bpf, FileDescriptor, fdOf, objectInfo, syscallError } from "../sys/index.js";
import { LINK_INFO_SIZE } from "../sys/object-info.js";

/** A bpf_link: the kernel detaches it when its last fd or pin goes, so it never outlives this process unless pinned. */
export class BpfLink implements Link {
  readonly kind: string;
  readonly id: number;
  /** Told once when this is closed. @internal */
  onClose: (() => void) | undefined;
  readonly #fd: FileDescriptor;
  #program: Program;

  /** Takes over `fd`. */
  constructor(kind: string, fd: number, program: Program) {
    this.#fd = new FileDescriptor(fd, `${kind} link of '${program.name}'`);
    this.kind = kind;
    this.#program = program;
    this.id = objectInfo(fd, LINK_INFO_SIZE).view.getUint32(4, true);
  }

  /** For calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  get program(): Program {
    return this.#program;
  }

  /** @throws SyscallError EINVAL for kinds of links that cannot be updated (perf events, tracing). */
  update(program: Program): void {
    bpf("BPF_LINK_UPDATE", { link_fd: this.fd, new_prog_fd: fdOf(program) }, `of the ${this.kind} link`);
    this.#program = program;
  }

  /** `struct bpf_link_info` as bytes. */
  info(): Uint8Array {
    return objectInfo(this.fd, LINK_INFO_SIZE).bytes;
  }

  /** BPF_OBJ_PIN: the attachment outlives this process under `path`, which has to be in a bpffs. */
  pin(path: string): void {
    pinNamed(path, this.fd, `the ${this.kind} link`);
  }

  /** BPF_LINK_DETACH: detaches although others (pins, processes) hold the link. Since 5.9. */
  detach(): void {
    bpf("BPF_LINK_DETACH", { link_fd: this.fd }, `of the ${this.kind} link`);
  }

  close(): void {
    if (this.#fd.closed) return;
    this.#fd.close();
    this.onClose?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** How something that is no bpf_link is undone and changed. */
export interface AttachmentActions {
  detach(): void;
  replace?(program: Program): void;
}

/**
 * An attachment that is no bpf_link. Those with `outlives` stay in the kernel when this process is killed, so they are
 * made only when asked for.
 */
export class Attachment implements Link {
  readonly kind: string;
  readonly id = 0;
  readonly outlives: boolean;
  /** Told once when this is closed. @internal */
  onClose: (() => void) | undefined;
  readonly #actions: AttachmentActions;
  #program: Program;
  #closed = false;

  constructor(kind: string, program: Program, actions: AttachmentActions, options: { outlives: boolean }) {
    this.kind = kind;
    this.#program = program;
    this.#actions = actions;
    this.outlives = options.outlives;
  }

  get program(): Program {
    return this.#program;
  }

  /** @throws NotSupportedError for kinds that cannot change their program in place. */
  update(program: Program): void {
    if (this.#actions.replace === undefined) {
      throw new NotSupportedError("update", `a ${this.kind} attachment cannot change its program in place`);
    }
    this.#actions.replace(program);
    this.#program = program;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#actions.detach();
    } finally {
      this.onClose?.();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A link of this host, of either kind. */
export type KernelLink = BpfLink | Attachment;

/** The attr of a BPF_LINK_CREATE beside the program. */
type LinkAttr = Omit<ConstructorParameters<typeof BpfCall<"BPF_LINK_CREATE">>[1], "prog_fd">;

/**
 * BPF_LINK_CREATE.
 *
 * @param where For an error's message: `"on eth0"`.
 * @throws SyscallError
 */
export function createLink(kind: string, program: Program, attr: LinkAttr, where: string): BpfLink {
  return new BpfLink(kind, createLinkFd(kind, program, attr, where), program);
}

/** As {@link createLink}: the link's fd alone. */
export function createLinkFd(kind: string, program: Program, attr: LinkAttr, where: string): number {
  const result = new BpfCall("BPF_LINK_CREATE", { prog_fd: fdOf(program), ...attr }).try();
  if (result < 0)
    throw syscallError(`BPF_LINK_CREATE of ${kind} program '${program.name}' ${where}`.trimEnd(), -result);
  return result;
}
