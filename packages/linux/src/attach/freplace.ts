import type { Program } from "@tsbpf/core/host";
import { BpfCall, fdOf, syscallError } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { BpfLink } from "./link.js";

/**
 * Puts a program of type `ext` in place of the function that it was loaded for (freplace, since 5.6).
 *
 * @throws SyscallError EPERM where the kernel does not let programs be traced
 */
export function attachReplacement(program: Program): BpfLink {
  requireType(program, "a function of another program", "ext");
  const result = new BpfCall("BPF_RAW_TRACEPOINT_OPEN", { prog_fd: fdOf(program) }).try();
  if (result < 0) throw syscallError(`BPF_RAW_TRACEPOINT_OPEN of '${program.name}'`, -result);
  return new BpfLink("freplace", result, program);
}
