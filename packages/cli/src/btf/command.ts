import type { ObjectVerb } from "../live/run-object.js";
import { dumpBtf } from "./dump.js";
import { btfGrammar } from "./grammar.js";

export const btf: ObjectVerb = {
  grammar: btfGrammar,
  byDefault: "show",
  commands: {
    show: async (context, words) => (await import("./show.js")).showBtf(context, words),
    dump: dumpBtf,
  },
};
