import type { AttachType } from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { takeProgram } from "../live/select.js";
import { didYouMean } from "../suggest.js";
import { cgroupHookNames } from "./grammar.js";

const flags = { override: 1, multi: 2 } as const;

/** `cgroup attach CGROUP ATTACH_TYPE PROG [multi | override]...` */
export async function attachToCgroup(context: Context, words: Words): Promise<void> {
  const cgroup = words.next("CGROUP");
  const type = takeHook(words);
  const program = await takeProgram(context, words);
  let bits = 0;
  while (words.left > 0) bits |= flags[words.choose("attach flag", ["multi", "override"])];
  (await context.host()).attach(program, type, { cgroup }, bits);
}

/** `cgroup detach CGROUP ATTACH_TYPE PROG` */
export async function detachFromCgroup(context: Context, words: Words): Promise<void> {
  const cgroup = words.next("CGROUP");
  const type = takeHook(words);
  const program = await takeProgram(context, words);
  words.end();
  (await context.host()).detach(program, type, { cgroup });
}

/** A hook under its kernel name, or any beginning of bpftool's older one. */
function takeHook(words: Words): AttachType {
  const word = words.next("ATTACH_TYPE");
  const found =
    cgroupHookNames.find(([type, old]) => type === word || old === word) ??
    cgroupHookNames.find(([, old]) => old.startsWith(word));
  if (found !== undefined && word !== "") return found[0];
  const names = cgroupHookNames.flat();
  throw new UsageError(
    `'${word}' is no hook of cgroups${didYouMean(word, names)}`,
    `hooks: ${cgroupHookNames.map(([, old]) => old).join(", ")}`,
  );
}
