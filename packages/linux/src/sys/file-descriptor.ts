import { SyscallError } from "@tsbpf/core";
import { errnos } from "./errno.js";
import { libc } from "./libc.js";

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

/** What any use of something closed throws. The kernel is not asked. */
export function closedError(what: string): SyscallError {
  return new SyscallError(`${what} is closed`, { command: "close", errno: errnos.EBADF, errnoName: "EBADF" });
}
