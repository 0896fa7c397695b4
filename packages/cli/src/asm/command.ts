import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { SLOT_SIZE } from "@tsbpf/core/isa";
import { assembleToObject, assembleToSlots } from "../assemble.js";
import { CommandError } from "../command-error.js";
import { describeFileError, readInput } from "../object-file.js";
import type { Session } from "../session.js";

/** `tsbpf asm FILE -o OUT`: assembles a source to an object, where OUT ends in `.o`, or to raw little-endian slots. */
export async function asm({ terminal }: Session, file: string, options: { readonly output: string }): Promise<void> {
  const { output } = options;
  const isObject = extname(output) === ".o";
  const bytes = (isObject ? assembleToObject : assembleToSlots)(file, await readInput(file));
  try {
    await writeFile(output, bytes);
  } catch (error) {
    throw new CommandError(describeFileError(output, error), { cause: error });
  }
  terminal.status(`${output}: ${isObject ? `${bytes.length} bytes` : `${bytes.length / SLOT_SIZE} slots`}\n`);
}
