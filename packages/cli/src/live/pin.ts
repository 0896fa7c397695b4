import { CommandError } from "../command-error.js";
import type { Context } from "./context.js";

/**
 * Pins an object. Where the place is not in a bpffs, one is mounted at /sys/fs/bpf if that is where the path leads and
 * nothing is there yet; nowhere else, and not with `-n`.
 */
export async function pinObject(context: Context, object: { pin(path: string): void }, path: string): Promise<void> {
  if (path.endsWith("/")) throw new CommandError(`${path}: a pin needs a name, not a folder`);
  if (!context.flags.nomount) (await context.host()).mountFileSystem(path);
  object.pin(path);
}
