import { SyscallError } from "@tsbpf/core/base";
import { errnos, syscallError } from "./errno.js";
import { lastErrno, libc } from "./libc.js";

const forgotten = new FinalizationRegistry<number>((fd) => {
  libc().close(fd);
});

/**
 * An fd with an owner: closed once, by `close()` or `using`, or at the latest when its owner is garbage. The kernel opens
 * all BPF fds close-on-exec.
 */
export class FileDescriptor {
  readonly #what: string;
  #fd: number;

  /** @param what What it is, for the message of an error after close: `"map 'flows'"`. */
  constructor(fd: number, what: string) {
    this.#fd = fd;
    this.#what = what;
    forgotten.register(this, fd, this);
  }

  /**
   * The fd's number, for a call that is made right now.
   *
   * @throws SyscallError EBADF after close: the number may belong to another file by now.
   */
  get number(): number {
    if (this.#fd < 0) throw closedError(this.#what);
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Gives the fd to another owner. @throws SyscallError EBADF after close. */
  release(): number {
    const fd = this.number;
    this.#fd = -1;
    forgotten.unregister(this);
    return fd;
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    forgotten.unregister(this);
    libc().close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const F_DUPFD_CLOEXEC = 1030;

/** Another fd for what `fd` is, with an owner of its own. @throws SyscallError EBADF, EMFILE */
export function duplicate(fd: number, what: string): FileDescriptor {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw syscallError(`fcntl of ${what}`, lastErrno());
  return new FileDescriptor(copy, what);
}

/** What any use of something closed throws. The kernel is not asked. */
export function closedError(what: string): SyscallError {
  return new SyscallError(`${what} is closed`, { command: "close", errno: errnos.EBADF, errnoName: "EBADF" });
}
