import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** The object files below a path, or the path itself. */
export function objectsIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(o|elf)$/.test(name))
    .map((name) => join(path, name))
    .filter((name) => statSync(name).isFile())
    .sort();
}
