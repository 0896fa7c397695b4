import type { Capability } from "@tsbpf/core/abi";
import { syscallError } from "./errno.js";
import { lastErrno, libc } from "./libc.js";
import { NativeBuffer } from "./memory.js";
import { capabilities } from "./permissions.js";
import { syscallNumbers } from "./platform.js";

const VERSION_3 = 0x2008_0522;
const bits: Readonly<Record<Capability, number>> = {
  sys_admin: capabilities.CAP_SYS_ADMIN,
  bpf: capabilities.CAP_BPF,
  net_admin: capabilities.CAP_NET_ADMIN,
  perfmon: capabilities.CAP_PERFMON,
};

/** Bytes of `struct __user_cap_data_struct`: effective, permitted, inheritable. */
const SET_SIZE = 12;

/**
 * Runs `work` on this thread with no more than `held` of the capabilities that bpf(2) asks for. The others
 * are given up for that time only (they stay permitted).
 *
 * @throws SyscallError
 */
export function withCapabilities<T>(held: readonly Capability[], work: () => T): T {
  const header = new NativeBuffer(8);
  header.view.setUint32(0, VERSION_3, true);
  const sets = new NativeBuffer(2 * SET_SIZE);
  const { capget, capset } = syscallNumbers();
  call("capget", capget, header, sets);
  const before = sets.bytes.slice();
  for (const name of ["sys_admin", "bpf", "net_admin", "perfmon"] as const) {
    if (held.includes(name)) continue;
    const bit = bits[name];
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
