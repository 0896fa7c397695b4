import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { Command, ObjectVerb } from "../live/run-object.js";
import { structOpsGrammar } from "./grammar.js";

type Verbs = typeof import("./registry.js");

const later =
  (name: "showStructOps" | "dumpStructOps" | "unregisterStructOps"): Command =>
  async (context: Context, words: Words) =>
    ((await import("./registry.js")) as Verbs)[name](context, words);

export const structOps: ObjectVerb = {
  grammar: structOpsGrammar,
  byDefault: "show",
  commands: {
    show: later("showStructOps"),
    dump: later("dumpStructOps"),
    register: async (context, words) => (await import("./register.js")).registerObject(context, words),
    unregister: later("unregisterStructOps"),
  },
};
