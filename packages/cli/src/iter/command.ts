import { BpfMap, mapCodecs } from "@tsbpf/core/host";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import { pinObject } from "../live/pin.js";
import type { ObjectVerb } from "../live/run-object.js";
import { takeMap } from "../live/select.js";
import { readObjectFile } from "../object-file.js";
import { iterGrammar } from "./grammar.js";

export const iter: ObjectVerb = { grammar: iterGrammar, byDefault: "help", commands: { pin: pinIterator } };

/** `iter pin OBJ PATH [map MAP]`: reading PATH then runs the object's iterator. */
async function pinIterator(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "an iterator");
  const [file, path] = [words.next("OBJ"), words.next("PATH")];
  const live = words.take("map") === undefined ? undefined : await takeMap(context, words);
  words.end("map");
  const object = await readObjectFile(file);
  const iterator = [...object.programs.values()].find(isIterator);
  if (iterator === undefined) {
    throw new CommandError(`${file} has no iterator`, { hint: 'its programs would be in SEC("iter/...")' });
  }
  const loader = await (await context.host()).loader();
  try {
    const loaded = await loader.load(object, { programs: [iterator.name] });
    const { keySize = 0, valueSize = 0 } = live?.details() ?? {};
    const map =
      live && new BpfMap(live.raw, mapCodecs({ keySize, valueSize, keyTypeId: 0, valueTypeId: 0 }, undefined));
    const link = loader.attachIterator(loaded.program(iterator.name), map);
    await pinObject(context, link, path);
  } finally {
    loader.close();
  }
}

function isIterator({ attachType }: ProgramSpec): boolean {
  return attachType === "trace_iter";
}
