import { kernelProblem, LiveKernel } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { LiveHost } from "./live-host.js";

/** The running kernel. @throws CommandError saying what is in the way */
export function openKernelHost(): LiveHost {
  const problem = kernelProblem();
  if (problem === undefined) return new LiveKernel();
  throw new CommandError(`the kernel's BPF cannot be used here: ${problem}`, {
    hint: "live objects need Linux and root (or CAP_SYS_ADMIN); `run`, `verify`, `disasm`, `btf dump file` and `gen` work without",
  });
}
