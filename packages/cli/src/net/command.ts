import type { ObjectVerb } from "../live/run-object.js";
import { netGrammar } from "./grammar.js";

export const net: ObjectVerb = {
  grammar: netGrammar,
  byDefault: "show",
  commands: {
    show: async (context, words) => (await import("./show.js")).showNetwork(context, words),
    attach: async (context, words) => (await import("./attach.js")).attachToDevice(context, words),
    detach: async (context, words) => (await import("./attach.js")).detachFromDevice(context, words),
    replay: async (context, words) => (await import("./replay.js")).replayCapture(context, words),
  },
};
