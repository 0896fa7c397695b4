import { CommandError } from "../command-error.js";

/** Where a Machine's file system of pins is, so that paths are what they would be on Linux. */
export const BPFFS = "/sys/fs/bpf";

/** A path within the file system of pins. @throws CommandError for a path elsewhere. */
export function machinePath(path: string): string {
  if (path === BPFFS) return "/";
  if (path.startsWith(`${BPFFS}/`)) return path.slice(BPFFS.length);
  throw new CommandError(`${path}: the Machine's pins are below ${BPFFS}`);
}
