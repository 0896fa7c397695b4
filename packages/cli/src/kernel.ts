import { CommandError } from "./command-error.js";

type Linux = typeof import("@tsbpf/linux");

/** The kernel package, where this is a kernel that answers. @throws CommandError with the reason. */
export async function requireKernel(): Promise<Linux> {
  let linux: Linux;
  try {
    linux = await import("@tsbpf/linux");
  } catch (error) {
    throw new CommandError("--host kernel needs the package @tsbpf/linux", {
      hint: (error as Error).message,
      cause: error,
    });
  }
  const problem = linux.kernelProblem();
  if (problem !== undefined) throw new CommandError(`--host kernel: ${problem}`);
  return linux;
}
