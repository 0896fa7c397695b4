import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { pinObject } from "../live/pin.js";
import { takeMap } from "../live/select.js";

/** `map pin MAP FILE` */
export async function pinMap(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  const file = words.next("FILE");
  words.end();
  await pinObject(context, map, file);
}
