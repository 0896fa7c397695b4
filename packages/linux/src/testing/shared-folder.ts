import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** A file of the shared folder (`TSBPF_SHARED`, or `../shared` beside the repository), or undefined where it is missing. */
export function sharedFile(name: string): string | undefined {
  const root = resolve(import.meta.dirname, "../../../..");
  const folders = [process.env.TSBPF_SHARED, resolve(root, "../shared"), resolve(root, "../../shared")];
  for (const folder of folders) {
    if (folder !== undefined && existsSync(join(folder, name))) return join(folder, name);
  }
  return undefined;
}
