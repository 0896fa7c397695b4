import { libc, NativeBuffer } from "../../packages/linux/dist/sys/index.js";

const SYSCALLS = { x64: { get: 125, set: 126 }, arm64: { get: 90, set: 91 } }[process.arch];
const VERSION = 0x2008_0522;
const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;

/**
 * Does `work` without the capabilities that let programs see addresses and what the stack held: the kernel's verifier then
 * refuses programs whose results rest on them. Concerns the calling thread only.
 */
export function withoutPointerLeaks(work) {
  const call = new NativeBuffer(8 + 24);
  const { view, address } = call;
  view.setUint32(0, VERSION, true);
  if (libc().syscall(SYSCALLS.get, address, address + 8, 0, 0, 0) < 0) throw new Error("capget failed");
  const before = [view.getUint32(8, true), view.getUint32(20, true)];
  const set = ([low, high]) => {
    view.setUint32(8, low, true);
    view.setUint32(20, high, true);
    if (libc().syscall(SYSCALLS.set, address, address + 8, 0, 0, 0) < 0) throw new Error("capset failed");
  };
  set([before[0] & ~(1 << CAP_SYS_ADMIN), before[1] & ~(1 << (CAP_PERFMON - 32))]);
  try {
    return work();
  } finally {
    set(before);
  }
}
