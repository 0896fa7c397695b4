import { errnos, syscallError } from "./errno.js";
import { FileDescriptor } from "./file-descriptor.js";
import { lastErrno, libc } from "./libc.js";

const CLONE_NEWNET = 0x4000_0000;
const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;

/**
 * A network namespace, held by an fd. Entering it concerns the calling thread only, so that work inside has to be
 * synchronous: whatever libuv's threads do meanwhile happens outside.
 */
export class NetworkNamespace {
  readonly #fd: FileDescriptor;

  private constructor(fd: FileDescriptor) {
    this.#fd = fd;
  }

  /** The calling thread's own. */
  static current(): NetworkNamespace {
    return NetworkNamespace.open("/proc/thread-self/ns/net");
  }

  /** @param path `/run/netns/NAME`, `/proc/PID/ns/net` ... */
  static open(path: string): NetworkNamespace {
    const fd = libc().open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) throw syscallError(`open of ${path}`, lastErrno());
    return new NetworkNamespace(new FileDescriptor(fd, `network namespace ${path}`));
  }

  /** A new one without a name, which lives as long as this object. @throws SyscallError without CAP_SYS_ADMIN. */
  static create(): NetworkNamespace {
    using before = NetworkNamespace.current();
    if (libc().unshare(CLONE_NEWNET) < 0) throw syscallError("unshare of the network namespace", lastErrno());
    try {
      return NetworkNamespace.current();
    } finally {
      before.#enter();
    }
  }

  get fd(): number {
    return this.#fd.number;
  }

  /** Runs `work` inside, on this thread, and comes back whatever happens. `work` must not be asynchronous. */
  run<T>(work: () => T): T {
    using before = NetworkNamespace.current();
    this.#enter();
    try {
      return work();
    } finally {
      before.#enter();
    }
  }

  #enter(): void {
    if (libc().setns(this.#fd.number, CLONE_NEWNET) < 0) throw syscallError("setns", lastErrno());
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

let sandbox: NetworkNamespace | undefined | null;

/**
 * Runs `work` in an empty network namespace that this thread keeps for the purpose: a test run's bpf_clone_redirect
 * sends real frames. Without the right to make one (CAP_SYS_ADMIN) `work` runs where the process is.
 */
export function inSandboxNamespace<T>(work: () => T): T {
  if (sandbox === undefined) sandbox = trySandbox();
  return sandbox === null ? work() : sandbox.run(work);
}

function trySandbox(): NetworkNamespace | null {
  try {
    return NetworkNamespace.create();
  } catch (error) {
    if ((error as { errno?: number }).errno === errnos.EPERM) return null;
    throw error;
  }
}
