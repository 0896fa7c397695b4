import { BpfError, encodeText } from "../base/index.js";
import { type Btf, resolve } from "../btf/index.js";
import type { KconfigSpec } from "./object.js";

/** A value as a kernel's `.config` writes it (`"y"`, `"m"`, `"250"`, `"\"text\""`), or as a number or truth. */
export type KconfigValue = string | number | bigint | boolean;

/**
 * The value of the map `.kconfig`: each extern's option, as `optionOf` knows it. Weak externs that it doesn't know are 0.
 *
 * @throws BpfError `"KCONFIG"` for an unknown option that is not weak, or a value that the variable cannot hold.
 */
export function kconfigData(
  externs: readonly KconfigSpec[],
  size: number,
  btf: Btf | undefined,
  optionOf: (name: string) => KconfigValue | undefined,
): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const extern of externs) {
    const value = optionOf(extern.name);
    if (typeof value === "string") writeText(bytes, extern, value, btf);
    else if (value !== undefined) writeInteger(bytes, extern, BigInt(value));
    else if (!extern.weak) fail(extern, "its value is not known");
  }
  return bytes;
}

function writeText(bytes: Uint8Array, extern: KconfigSpec, text: string, btf: Btf | undefined): void {
  if (text.startsWith('"')) {
    const content = encodeText(text.slice(1, -1));
    if (kindOf(extern, btf) === "int") fail(extern, `its value is text: ${text}`);
    // The last byte stays 0: longer text is cut, as in libbpf.
    bytes.set(content.subarray(0, extern.size - 1), extern.offset);
    return;
  }
  if (text === "y" || text === "m" || text === "n") {
    writeTristate(bytes, extern, text, btf);
    return;
  }
  if (!/^-?(0x[0-9a-fA-F]+|\d+)$/.test(text)) fail(extern, `its value is not understood: ${text}`);
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  writeInteger(bytes, extern, value);
}

/** `y`, `m` and `n`: a char has the letter, an `enum libbpf_tristate` 0 no, 1 yes, 2 module, anything else 0 or 1. */
function writeTristate(bytes: Uint8Array, extern: KconfigSpec, letter: "y" | "m" | "n", btf: Btf | undefined): void {
  const type = btf?.type(resolve(btf, extern.typeId));
  if (type?.kind === "int" && type.encoding !== "bool" && extern.size === 1) {
    bytes[extern.offset] = letter.charCodeAt(0);
  } else if (type?.kind === "enum") {
    writeInteger(bytes, extern, { n: 0n, y: 1n, m: 2n }[letter]);
  } else {
    if (letter === "m") fail(extern, "it is a module (m), which a bool cannot say");
    writeInteger(bytes, extern, letter === "y" ? 1n : 0n);
  }
}

function kindOf(extern: KconfigSpec, btf: Btf | undefined): string {
  return btf === undefined ? "int" : btf.kind(resolve(btf, extern.typeId));
}

function writeInteger(bytes: Uint8Array, extern: KconfigSpec, value: bigint): void {
  const bits = extern.size * 8;
  if (value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1)))
    fail(extern, `${value} does not fit ${extern.size} bytes`);
  let rest = BigInt.asUintN(bits, value);
  for (let i = 0; i < extern.size; i++, rest >>= 8n) bytes[extern.offset + i] = Number(rest & 0xffn);
}

function fail(extern: KconfigSpec, why: string): never {
  throw new BpfError("KCONFIG", `extern ${extern.name} __kconfig: ${why}`, { name: extern.name });
}
