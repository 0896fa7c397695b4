import type { BpfFilesystem, Machine } from "@tsbpf/core/machine";
import { CommandError } from "../command-error.js";

/** Where a Machine's file system of pins is, so that paths are what they would be on Linux. */
export const BPFFS = "/sys/fs/bpf";

/** What is at a path within the file system of pins; undefined where nothing is. */
export function kindAt({ bpffs }: Machine, inside: string): ReturnType<BpfFilesystem["stat"]>["kind"] | undefined {
  try {
    return bpffs.stat(inside).kind;
  } catch {
    return undefined;
  }
}

/** A path within the file system of pins. @throws CommandError for a path elsewhere. */
export function machinePath(path: string): string {
  if (path === BPFFS) return "/";
  if (path.startsWith(`${BPFFS}/`)) return path.slice(BPFFS.length);
  throw new CommandError(`${path}: the Machine's pins are below ${BPFFS}`);
}
