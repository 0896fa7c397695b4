import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { FormatError } from "@tsbpf/core/base";
import { type Btf, parseBtf } from "@tsbpf/core/btf";
import { readObject } from "@tsbpf/core/object";
import { CommandError } from "../command-error.js";
import { readInput } from "../object-file.js";

const KERNEL_FOLDER = "/sys/kernel/btf";

/**
 * Types of a file: raw BTF, such as those in /sys/kernel/btf, or an object's. A module's types build on vmlinux's, which
 * is found beside it, or on `base`.
 */
export async function readBtfFile(file: string, base?: string): Promise<Btf> {
  const bytes = readWhole(file) ?? (await readInput(file));
  try {
    if (bytes[0] === 0x7f) {
      const { btf } = readObject(bytes, { name: file });
      if (btf !== undefined) return btf;
      throw new CommandError(`${file} has no BTF`, { hint: "compile it with -g" });
    }
    const vmlinux = `${KERNEL_FOLDER}/vmlinux`;
    const beside = dirname(file) === KERNEL_FOLDER && file !== vmlinux ? vmlinux : undefined;
    const baseFile = base ?? beside;
    return parseBtf(bytes, baseFile === undefined ? {} : { base: await readBtfFile(baseFile) });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CommandError(`${file}: ${error.message}`, { cause: error });
  }
}

/** Files in /sys say that they have no bytes, which reading in pieces takes at its word. */
function readWhole(file: string): Uint8Array | undefined {
  return file.startsWith("/sys/") && existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined;
}
