import { attachTypes, helperPrototypes, mapTypes, programTypes } from "@tsbpf/core/abi";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { ObjectVerb } from "../live/run-object.js";
import { featureGrammar, featureGroups } from "./grammar.js";

export const feature: ObjectVerb = {
  grammar: featureGrammar,
  byDefault: "help",
  commands: {
    probe: async (context, words) => (await import("./probe.js")).probeFeatures(context, words),
    list_builtins: listBuiltins,
  },
};

/** Kinds of links that 6.18 knows, by their number: what `@tsbpf/linux` has too, which is not needed to list them. */
const linkTypes =
  "raw_tracepoint tracing cgroup iter netns xdp perf_event kprobe_multi struct_ops netfilter tcx uprobe_multi netkit sockmap".split(
    " ",
  );

/** `feature list_builtins GROUP`; number 0 is called `unspec`, of attach types there is a number 0. */
function listBuiltins(context: Context, words: Words): void {
  const group = words.choose("group", featureGroups);
  words.end();
  const names = {
    prog_types: () => ["unspec", ...programTypes.map(({ name }) => name)],
    map_types: () => ["unspec", ...mapTypes.map(({ name }) => name)],
    attach_types: () => attachTypes.map(({ name }) => name),
    link_types: () => ["unspec", ...linkTypes],
    helpers: () => ["bpf_unspec", ...new Set(helperPrototypes.map(({ name }) => `bpf_${name}`))],
  }[group]();
  if (context.json) context.answer(names);
  else for (const name of names) context.print(name);
}
