import { basename } from "node:path";
import { helperNumbers } from "@tsbpf/core/abi";
import { AssembleError } from "@tsbpf/core/base";
import { assemble } from "@tsbpf/core/isa";
import { assembleElf } from "@tsbpf/core/object";
import { CommandError } from "./command-error.js";

/** Assembles the contents of a file to an object. */
export function assembleToObject(file: string, contents: Uint8Array): Uint8Array {
  return assembleWith(file, contents, (source) => assembleElf(source, { file: basename(file) }));
}

/** Assembles the contents of a file to the raw little-endian slots of one program. */
export function assembleToSlots(file: string, contents: Uint8Array): Uint8Array {
  return assembleWith(file, contents, (source) => assemble(source, { helpers: helperNumbers }));
}

function assembleWith(file: string, contents: Uint8Array, toBytes: (source: string) => Uint8Array): Uint8Array {
  const source = new TextDecoder().decode(contents);
  try {
    return toBytes(source);
  } catch (error) {
    if (!(error instanceof AssembleError)) throw error;
    const text = source.split("\n")[error.line - 1] ?? "";
    const caret = `${text.slice(0, error.column - 1).replace(/[^\t]/g, " ")}^`;
    throw new CommandError(`${file}:${error.message}`, { hint: `${text}\n${caret}`, cause: error });
  }
}
