import { libc } from "./libc.js";
import { NativeBuffer } from "./memory.js";

const SIG_SETMASK = 2;
/** Bytes of a sigset_t, of glibc and of musl. */
const SIGNAL_SET_SIZE = 128;

/**
 * Runs `work` with all signals to this thread held back; they come afterwards. Signals to the process, such as Ctrl-C,
 * reach one of its other threads meanwhile.
 */
export function withoutSignals<T>(work: () => T): T {
  const all = new NativeBuffer(SIGNAL_SET_SIZE);
  const before = new NativeBuffer(SIGNAL_SET_SIZE);
  all.bytes.fill(0xff);
  libc().sigmask(SIG_SETMASK, all.address, before.address);
  try {
    return work();
  } finally {
    libc().sigmask(SIG_SETMASK, before.address, 0);
  }
}
