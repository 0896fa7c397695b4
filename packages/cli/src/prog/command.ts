import type { ObjectVerb } from "../live/run-object.js";
import { dumpPrograms } from "./dump.js";
import { progGrammar } from "./grammar.js";
import { showPrograms } from "./show.js";

export const prog: ObjectVerb = {
  grammar: progGrammar,
  byDefault: "show",
  commands: {
    show: showPrograms,
    dump: dumpPrograms,
  },
};
