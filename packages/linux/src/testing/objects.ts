import { readFileSync } from "node:fs";
import type { ObjectSpec } from "@tsbpf/core";
import { readObject } from "@tsbpf/core/object";

/** An object of testdata/kernel, by its name without `.bpf.o`. */
export function kernelObject(name: string): ObjectSpec {
  const path = new URL(`../../../../testdata/kernel/${name}.bpf.o`, import.meta.url);
  return readObject(readFileSync(path), { name });
}
