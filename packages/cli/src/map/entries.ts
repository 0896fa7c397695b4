import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, mapTypeName } from "@tsbpf/core/abi";
import { isPerCpuMap, perCpuStride, type SlotTarget } from "@tsbpf/core/host";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { JsonText } from "../json.js";
import { type Context, SilentFailure } from "../live/context.js";
import type { LiveHost, LiveMap } from "../live/live-host.js";
import { btfById } from "../live/object-btf.js";
import { takeMap, takeProgram } from "../live/select.js";
import { type DataTarget, takeData } from "./data.js";
import { formatOf } from "./dump.js";
import { bytesJson, bytesText } from "./entry-format.js";

const NO_KEY = new Uint8Array(0);
const updateFlags = { any: BPF_ANY, noexist: BPF_NOEXIST, exist: BPF_EXIST } as const;

function targetOf(host: LiveHost, map: LiveMap, name: "key" | "value"): DataTarget {
  const info = map.details();
  const size = name === "key" ? info.keySize : info.valueSize;
  return { name, size, btf: btfById(host, info.btfId), typeId: name === "key" ? info.keyTypeId : info.valueTypeId };
}

async function takeKey(context: Context, words: Words, map: LiveMap): Promise<Uint8Array> {
  if (words.take("key") === undefined) {
    throw new UsageError(`${words.command}: 'key DATA' is missing${words.left > 0 ? `, not '${words.peek()}'` : ""}`);
  }
  return takeData(words, targetOf(await context.host(), map, "key"));
}

/** Bytes for a value (of a per-CPU map, for each CPU the same), or what a slot shall refer to. */
async function takeValue(context: Context, words: Words, map: LiveMap): Promise<Uint8Array | SlotTarget> {
  const { type, valueSize } = map.details();
  const typeName = mapTypeName(type);
  if (typeName === "array_of_maps" || typeName === "hash_of_maps") return { raw: (await takeMap(context, words)).raw };
  if (typeName === "prog_array") return (await takeProgram(context, words)).program;
  const bytes = takeData(words, targetOf(await context.host(), map, "value"));
  if (typeName === undefined || !isPerCpuMap(typeName)) return bytes;
  const all = new Uint8Array(map.raw.transferSize);
  for (let at = 0; at < all.length; at += perCpuStride(valueSize)) all.set(bytes, at);
  return all;
}

/** `map update MAP [key DATA] [value VALUE] [FLAG]` */
export async function updateEntry(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  let key = NO_KEY;
  let value: Uint8Array | SlotTarget | undefined;
  let flags: number = BPF_ANY;
  while (words.left > 0) {
    const word = words.choose("part of an update", ["key", "value", "any", "noexist", "exist"]);
    if (word === "key") key = takeData(words, targetOf(await context.host(), map, "key")) as typeof key;
    else if (word === "value") value = await takeValue(context, words, map);
    else flags = updateFlags[word];
  }
  const { keySize } = map.details();
  if (key.length !== keySize) throw new UsageError(`${words.command}: 'key DATA' is missing`);
  if (value === undefined) throw new UsageError(`${words.command}: 'value VALUE' is missing`);
  if (value instanceof Uint8Array) map.raw.update(key, value, flags);
  else map.raw.updateReference(key, value, flags);
}

/** `map lookup MAP [key DATA]` */
export async function lookupEntry(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  const key = map.details().keySize === 0 ? NO_KEY : await takeKey(context, words, map);
  words.end();
  const value = map.raw.lookup(key);
  if (value !== undefined) return printEntry(context, map, key, value);
  if (context.json) context.answer(null);
  else context.print(`key:\n${bytesText(key)}\n\nNot found`);
  throw new SilentFailure();
}

async function printEntry(context: Context, map: LiveMap, key: Uint8Array, value: Uint8Array): Promise<void> {
  const format = formatOf(await context.host(), map);
  if (context.json) context.answer(new JsonText(format.json(key, value)));
  else context.print(format.text(key, value, 0));
}

/** `map getnext MAP [key DATA]` */
export async function nextKey(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  const key = words.left === 0 ? undefined : await takeKey(context, words, map);
  words.end();
  const next = map.raw.nextKey(key);
  if (next === undefined) throw new CommandError(key === undefined ? "the map is empty" : "there is no key after that");
  if (context.json) {
    context.answer({
      key: key === undefined ? null : new JsonText(bytesJson(key)),
      next_key: new JsonText(bytesJson(next)),
    });
    return;
  }
  context.print(key === undefined ? "key: None" : `key:\n${bytesText(key)}`);
  context.print(`next key:\n${bytesText(next)}`);
}

/** `map delete MAP key DATA` */
export async function deleteEntry(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  const key = await takeKey(context, words, map);
  words.end();
  if (!map.raw.delete(key)) throw new CommandError("the map has no such key");
}

/** `map push MAP value VALUE`, and `enqueue`. */
export async function pushValue(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  if (words.take("value") === undefined) throw new UsageError(`${words.command}: 'value VALUE' is missing`);
  const value = takeData(words, targetOf(await context.host(), map, "value"));
  words.end();
  map.raw.update(NO_KEY, value);
}

/** `map pop MAP`, and `dequeue`: prints what is taken. */
export async function popValue(context: Context, words: Words): Promise<void> {
  await printTaken(context, words, (map) => map.raw.lookupAndDelete(NO_KEY));
}

/** `map peek MAP` */
export async function peekValue(context: Context, words: Words): Promise<void> {
  await printTaken(context, words, (map) => map.raw.lookup(NO_KEY));
}

async function printTaken(
  context: Context,
  words: Words,
  take: (map: LiveMap) => Uint8Array | undefined,
): Promise<void> {
  const map = await takeMap(context, words);
  words.end();
  const value = take(map);
  if (value !== undefined) return printEntry(context, map, NO_KEY, value);
  if (!context.json) throw new CommandError("the map is empty");
  context.answer(null);
  throw new SilentFailure();
}

/** `map freeze MAP` */
export async function freezeMap(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  words.end();
  map.raw.freeze();
}
