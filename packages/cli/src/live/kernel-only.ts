import { CommandError } from "../command-error.js";
import type { Context } from "./context.js";

/** Refuses what only the running kernel has. @throws CommandError on another host */
export async function requireKernel(context: Context, what: string): Promise<void> {
  const { name } = await context.host();
  if (name !== "kernel") throw new CommandError(`${what} is the kernel's only`, { hint: "--host kernel" });
}
