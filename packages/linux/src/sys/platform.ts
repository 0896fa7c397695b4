import { NotSupportedError } from "@tsbpf/core/base";

/** Numbers of the system calls that libc has no function for. */
export interface SyscallNumbers {
  readonly bpf: number;
  readonly perfEventOpen: number;
  readonly pidfdOpen: number;
  readonly capget: number;
  readonly capset: number;
}

const byArchitecture: Readonly<Record<string, SyscallNumbers>> = {
  x64: { bpf: 321, perfEventOpen: 298, pidfdOpen: 434, capget: 125, capset: 126 },
  arm64: { bpf: 280, perfEventOpen: 241, pidfdOpen: 434, capget: 90, capset: 91 },
};

/**
 * System call numbers of the machine that runs this.
 *
 * @throws NotSupportedError off Linux and on architectures other than x86-64 and arm64.
 */
export function syscallNumbers(): SyscallNumbers {
  if (process.platform !== "linux") {
    throw new NotSupportedError(
      "linux",
      `the kernel host needs Linux, this is ${process.platform}; the Machine host runs here`,
    );
  }
  const numbers = byArchitecture[process.arch];
  if (numbers === undefined) {
    throw new NotSupportedError("architecture", `bpf(2) is known for x64 and arm64 here, not for ${process.arch}`);
  }
  return numbers;
}
