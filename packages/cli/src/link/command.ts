import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { pinObject } from "../live/pin.js";
import type { ObjectVerb } from "../live/run-object.js";
import { takeLink } from "../live/select.js";
import { linkGrammar } from "./grammar.js";
import { showLinks } from "./show.js";

export const link: ObjectVerb = {
  grammar: linkGrammar,
  byDefault: "show",
  commands: { show: showLinks, pin: pinLink, detach: detachLink },
};

async function pinLink(context: Context, words: Words): Promise<void> {
  const chosen = await takeLink(context, words);
  const file = words.next("FILE");
  words.end();
  await pinObject(context, chosen, file);
}

async function detachLink(context: Context, words: Words): Promise<void> {
  const chosen = await takeLink(context, words);
  words.end();
  chosen.detach();
}
