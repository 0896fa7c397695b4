import { writeFile } from "node:fs/promises";
import { AssembleError, assemble, SLOT_SIZE } from "@tsbpf/core";
import { CommandError } from "../command-error.js";
import { describeFileError, readInput } from "../object-file.js";
import type { Session } from "../session.js";

/** `tsbpf asm FILE -o OUT`: assembles a source to raw little-endian slots. */
export async function asm({ terminal }: Session, file: string, options: { readonly output: string }): Promise<void> {
  const source = new TextDecoder().decode(await readInput(file));
  const bytes = assembleFile(file, source);
  try {
    await writeFile(options.output, bytes);
  } catch (error) {
    throw new CommandError(describeFileError(options.output, error), { cause: error });
  }
  terminal.status(`${options.output}: ${bytes.length / SLOT_SIZE} slots\n`);
}

function assembleFile(file: string, source: string): Uint8Array {
  try {
    return assemble(source);
  } catch (error) {
    if (!(error instanceof AssembleError)) throw error;
    const text = source.split("\n")[error.line - 1] ?? "";
    const caret = `${text.slice(0, error.column - 1).replace(/[^\t]/g, " ")}^`;
    throw new CommandError(`${file}:${error.message}`, { hint: `${text}\n${caret}`, cause: error });
  }
}
