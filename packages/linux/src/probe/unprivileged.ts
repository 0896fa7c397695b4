import { capabilities, lastErrno, libc, NativeBuffer, syscallError, syscallNumbers } from "../sys/index.js";

const VERSION_3 = 0x2008_0522;
/** Bytes of `struct __user_cap_data_struct`: effective, permitted, inheritable. */
const SET_SIZE = 12;

/**
 * Runs `work` on this thread without the capabilities that bpf(2) asks for, as if for a user who has none. They are given
 * up for that time only (they stay permitted).
 *
 * @throws SyscallError
 */
export function withoutCapabilities<T>(work: () => T): T {
  const header = new NativeBuffer(8);
  header.view.setUint32(0, VERSION_3, true);
  const sets = new NativeBuffer(2 * SET_SIZE);
  const { capget, capset } = syscallNumbers();
  call("capget", capget, header, sets);
  const before = sets.bytes.slice();
  for (const name of ["CAP_SYS_ADMIN", "CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"] as const) {
    const bit = capabilities[name];
    const at = (bit >> 5) * SET_SIZE;
    sets.view.setUint32(at, sets.view.getUint32(at, true) & ~(1 << (bit & 31)), true);
  }
  call("capset", capset, header, sets);
  try {
    return work();
  } finally {
    sets.bytes.set(before);
    call("capset", capset, header, sets);
  }
}

function call(name: string, number: number, header: NativeBuffer, sets: NativeBuffer): void {
  if (libc().syscall(number, header.address, sets.address, 0, 0, 0) < 0) throw syscallError(name, lastErrno());
}
