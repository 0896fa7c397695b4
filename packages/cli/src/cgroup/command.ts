import type { ObjectVerb } from "../live/run-object.js";
import { cgroupGrammar } from "./grammar.js";

export const cgroup: ObjectVerb = {
  grammar: cgroupGrammar,
  byDefault: "tree",
  commands: {
    show: async (context, words) => (await import("./show.js")).showCgroup(context, words),
    tree: async (context, words) => (await import("./show.js")).showTree(context, words),
    attach: async (context, words) => (await import("./attach.js")).attachToCgroup(context, words),
    detach: async (context, words) => (await import("./attach.js")).detachFromCgroup(context, words),
  },
};
