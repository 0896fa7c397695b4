import { writeFile } from "node:fs/promises";
import { linkObjects, minimalBtf } from "@tsbpf/core/object";
import { readBtfFile } from "../btf/file.js";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { describeFileError, objectBytes, readObjectFile } from "../object-file.js";

/** `gen object OUTPUT INPUT...`: one object that does what the inputs do together. */
export async function linkFiles(_context: Context, words: Words): Promise<void> {
  const output = words.next("OUTPUT_FILE");
  const names = [words.next("INPUT_FILE")];
  while (words.left > 0) names.push(words.next("INPUT_FILE"));
  const files = [];
  for (const name of names) files.push({ name, bytes: await objectBytes(name) });
  await write(output, linkObjects(files));
}

/** `gen min_core_btf INPUT OUTPUT OBJECT...`: the types of INPUT that the objects' CO-RE relocations look at. */
export async function writeMinimalBtf(_context: Context, words: Words): Promise<void> {
  const [input, output] = [words.next("INPUT"), words.next("OUTPUT")];
  const names = [words.next("OBJECT")];
  while (words.left > 0) names.push(words.next("OBJECT"));
  const target = await readBtfFile(input);
  const objects = [];
  for (const name of names) objects.push(await readObjectFile(name));
  await write(output, minimalBtf(objects, target));
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw new CommandError(describeFileError(file, error), { cause: error });
  }
}
