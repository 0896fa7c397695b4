import type { Btf } from "../btf/index.js";
import type { ProgramSpec } from "../spec/index.js";

const TAG = "exception_callback:";

/** First slot of the function that a tag on the program names as the one that exceptions end in (`__exception_cb`). */
export function exceptionCallback({ functions, references }: ProgramSpec, btf: Btf | undefined): number | undefined {
  const main = functions[0]?.typeId ?? 0;
  const throws = references.some((reference) => reference.kind === "kfunc" && reference.name === "bpf_throw");
  if (btf === undefined || main === 0 || !throws) return undefined;
  for (let id = 1; id < btf.length; id++) {
    if (btf.kind(id) !== "decl_tag") continue;
    const type = btf.type(id);
    if (type.kind !== "decl_tag" || type.type !== main || !type.name.startsWith(TAG)) continue;
    return functions.find(({ name }) => name === type.name.slice(TAG.length))?.slot;
  }
  return undefined;
}
