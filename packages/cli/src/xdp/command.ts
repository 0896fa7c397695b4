import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { ObjectVerb } from "../live/run-object.js";
import { xdpGrammar } from "./grammar.js";

export const xdp: ObjectVerb = {
  grammar: xdpGrammar,
  byDefault: "status",
  commands: {
    attach: async (context: Context, words: Words) => (await import("./device.js")).attachXdp(context, words),
    detach: async (context: Context, words: Words) => (await import("./device.js")).detachXdp(context, words),
    status: async (context: Context, words: Words) => (await import("./device.js")).showXdp(context, words),
  },
};
