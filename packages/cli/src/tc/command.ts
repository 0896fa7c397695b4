import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { ObjectVerb } from "../live/run-object.js";
import { tcGrammar } from "./grammar.js";

export const tc: ObjectVerb = {
  grammar: tcGrammar,
  byDefault: "help",
  commands: {
    filter: async (context: Context, words: Words) => (await import("./filter.js")).filterCommand(context, words),
    qdisc: async (context: Context, words: Words) => (await import("./filter.js")).qdiscCommand(context, words),
  },
};
