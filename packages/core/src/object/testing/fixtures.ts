import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../../../testdata/objects/", import.meta.url));

/** The bytes of an object of testdata/objects, by its file name without `.o`. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${folder}${name}.o`));
}

/** The names of all objects of testdata/objects. */
export function fixtureNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".o"))
    .map((name) => name.slice(0, -2));
}
