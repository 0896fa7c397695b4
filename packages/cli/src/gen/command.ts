import { basename } from "node:path";
import { readObject } from "@tsbpf/core/object";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { ObjectVerb } from "../live/run-object.js";
import { inFile, objectBytes } from "../object-file.js";
import { genGrammar } from "./grammar.js";
import { linkFiles, writeMinimalBtf } from "./object.js";
import { typescriptModule } from "./typescript-module.js";

export const gen: ObjectVerb = {
  grammar: genGrammar,
  byDefault: "help",
  commands: {
    ts: (context, words) => generate(context, words, true),
    skeleton: (context, words) => generate(context, words, true),
    subskeleton: (context, words) => generate(context, words, false),
    object: linkFiles,
    min_core_btf: writeMinimalBtf,
  },
};

async function generate(context: Context, words: Words, embed: boolean): Promise<void> {
  const file = words.next("FILE");
  const name = words.take("name") === undefined ? undefined : words.next("NAME");
  words.end("name");
  if (context.json) throw new UsageError("a TypeScript module is no JSON");
  const bytes = await objectBytes(file);
  const objectName = name ?? basename(file).replace(/(\.bpf)?\.(o|c)$/, "");
  if (!/^[A-Za-z_][\w.-]*$/.test(objectName)) {
    throw new UsageError(`'${objectName}' is no name for an object`, "give one: name NAME");
  }
  const object = inFile(file, () => readObject(bytes, { name: objectName }));
  context.session.terminal.write(typescriptModule(object, { name: objectName, bytes: embed ? bytes : undefined }));
}
