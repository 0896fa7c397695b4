import { isMapType, mapTypeId } from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { LiveMap } from "../live/live-host.js";
import { pinObject } from "../live/pin.js";
import { takeMap } from "../live/select.js";
import { didYouMean } from "../suggest.js";
import { mapTypeNames } from "./grammar.js";

const keywords = ["type", "name", "key", "value", "entries", "flags", "inner_map"] as const;

/** `map create FILE type TYPE key K value V entries N name NAME [flags F] [inner_map MAP]` */
export async function createMap(context: Context, words: Words): Promise<void> {
  const file = words.next("FILE");
  const wanted = { type: undefined as number | undefined, name: "", keySize: 0, valueSize: 0, maxEntries: 0, flags: 0 };
  let inner: LiveMap | undefined;
  while (words.left > 0) {
    switch (words.choose("property of a map", keywords)) {
      case "type":
        wanted.type = takeType(words);
        break;
      case "name":
        wanted.name = words.next("NAME");
        break;
      case "key":
        wanted.keySize = words.number("KEY_SIZE");
        break;
      case "value":
        wanted.valueSize = words.number("VALUE_SIZE");
        break;
      case "entries":
        wanted.maxEntries = words.number("MAX_ENTRIES");
        break;
      case "flags":
        wanted.flags = words.number("FLAGS");
        break;
      case "inner_map":
        inner = await takeMap(context, words);
        break;
    }
  }
  const { type } = wanted;
  if (type === undefined) throw new UsageError(`${words.command}: 'type TYPE' is missing`);
  const map = (await context.host()).createMap({ ...wanted, type, inner });
  await pinObject(context, map, file);
}

function takeType(words: Words): number {
  const word = words.next("TYPE");
  if (isMapType(word)) return mapTypeId(word);
  throw new UsageError(`'${word}' is no type of map${didYouMean(word, mapTypeNames)}`);
}
