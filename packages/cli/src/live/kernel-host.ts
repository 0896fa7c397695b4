import { kernelProblem, LiveKernel } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { LiveHost } from "./live-host.js";

/** Why the running kernel can't be asked; undefined where it can. */
export function kernelInTheWay(): string | undefined {
  return kernelProblem();
}

/** The running kernel. @throws CommandError saying what is in the way */
export function openKernelHost(): LiveHost {
  const problem = kernelInTheWay();
  if (problem === undefined) return new LiveKernel();
  throw new CommandError(`the kernel's BPF cannot be used here: ${problem}`, {
    hint: "live objects need Linux and root (or CAP_SYS_ADMIN), or a Machine: `tsbpf up` starts one; `run`, `verify`, `disasm`, `btf dump file` and `gen` work without",
  });
}
