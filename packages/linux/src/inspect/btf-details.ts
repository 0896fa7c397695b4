import { NativeBuffer, objectInfo, textOf } from "../sys/index.js";
import { BTF_INFO_SIZE } from "../sys/object-info.js";

/** What is known about a BTF object, without its types. */
export interface BtfDetails {
  readonly id: number;
  /** Bytes. */
  readonly size: number;
  /** True for vmlinux and modules. */
  readonly kernel: boolean;
  /** `"vmlinux"`, a module's name, or empty. */
  readonly name: string;
}

/** @throws SyscallError EBADF or EINVAL when `fd` is no BTF. */
export function btfDetails(fd: number): BtfDetails {
  const name = new NativeBuffer(64);
  const { view } = objectInfo(fd, BTF_INFO_SIZE, (info) => {
    info.setBigUint64(16, BigInt(name.address), true);
    info.setUint32(24, name.length, true);
  });
  return {
    id: view.getUint32(12, true),
    size: view.getUint32(8, true),
    kernel: view.getUint32(28, true) !== 0,
    name: textOf(name.bytes),
  };
}
