import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { pinObject } from "../live/pin.js";
import type { ObjectVerb } from "../live/run-object.js";
import { takeProgram } from "../live/select.js";
import { progGrammar } from "./grammar.js";

/** Each command is loaded when it runs: most need little of what the others do. */
export const prog: ObjectVerb = {
  grammar: progGrammar,
  byDefault: "show",
  commands: {
    show: async (context, words) => (await import("./show.js")).showPrograms(context, words),
    dump: async (context, words) => (await import("./dump.js")).dumpPrograms(context, words),
    pin: pinProgram,
    load: async (context, words) => (await import("./load.js")).loadProgram(context, words),
    loadall: async (context, words) => (await import("./load.js")).loadAllPrograms(context, words),
    attach: async (context, words) => (await import("./attach.js")).attachProgram(context, words),
    detach: async (context, words) => (await import("./attach.js")).detachProgram(context, words),
    run: async (context, words) => (await import("./run.js")).runProgram(context, words),
    profile: async (context, words) => (await import("./profile.js")).profileProgram(context, words),
    tracelog: async (context, words) => (await import("./tracelog.js")).followTrace(context, words),
  },
};

async function pinProgram(context: Context, words: Words): Promise<void> {
  const program = await takeProgram(context, words);
  const file = words.next("FILE");
  words.end();
  await pinObject(context, program, file);
}
