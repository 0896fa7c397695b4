import { arch } from "node:os";
import { NotSupportedError } from "@tsbpf/core/base";
import type { Btf } from "@tsbpf/core/btf";
import icedX86 from "iced-x86";
import type { KernelSymbols } from "../live/kernel-symbols.js";
import type { LiveLayout } from "../live/live-host.js";
import type { ListingOptions } from "./listing-options.js";
import { prototypeText } from "./prototype.js";
import { lineJson, linesByAddress, lineText, type SourceLine } from "./source-lines.js";

interface NativeLine {
  /** Bytes from the start of the function. */
  readonly offset: number;
  readonly operation: string;
  readonly operands: readonly string[];
  readonly bytes: Uint8Array;
  readonly source: SourceLine | undefined;
}

interface NativeFunction {
  readonly name: string;
  readonly prototype: string | undefined;
  readonly lines: readonly NativeLine[];
}

/**
 * Lists a program's native code, function by function, in AT&T's syntax, with the names of what it calls.
 *
 * @throws NotSupportedError on other machines than x86-64.
 */
export function listNativeCode(
  layout: LiveLayout,
  btf: Btf | undefined,
  symbols: KernelSymbols,
  options: ListingOptions,
): { text(): string[]; json(): unknown } {
  if (arch() !== "x64") {
    throw new NotSupportedError(
      "native listing",
      `native code of ${arch()} can't be listed, only that of x86-64; 'file FILE' writes the bytes`,
    );
  }
  const functions = split(layout, btf, symbols);
  return {
    text: () => functions.flatMap((each, index) => [...(index > 0 ? [""] : []), ...functionText(each, options)]),
    json: () => functions.map((each) => functionJson(each, options)),
  };
}

function split(layout: LiveLayout, btf: Btf | undefined, symbols: KernelSymbols): NativeFunction[] {
  const sources = linesByAddress(layout, btf);
  const parts =
    layout.nativeFunctions.length > 0 ? layout.nativeFunctions : [{ address: 0n, length: layout.jited.length }];
  let at = 0;
  return parts.map(({ address, length }, index) => {
    const code = layout.jited.subarray(at, at + length);
    at += length;
    const typeId = layout.functions[index]?.typeId;
    return {
      name: symbols.nameAt(address) ?? `func_${index}`,
      prototype: btf === undefined || typeId === undefined ? undefined : prototypeText(btf, typeId),
      lines: decode(code, address, symbols, sources),
    };
  });
}

function decode(
  code: Uint8Array,
  address: bigint,
  symbols: KernelSymbols,
  sources: ReadonlyMap<bigint, SourceLine>,
): NativeLine[] {
  const { Decoder, DecoderOptions, Formatter, FormatterSyntax } = icedX86;
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Gas);
  formatter.uppercaseHex = false;
  formatter.smallHexNumbersInDecimal = false;
  decoder.ip = address;
  const lines: NativeLine[] = [];
  try {
    while (decoder.canDecode) {
      const instruction = decoder.decode();
      const { ip, length } = instruction;
      const offset = Number(ip - address);
      const target = instruction.nearBranchTarget;
      const [operation = "", rest = ""] = formatter.format(instruction).split(/ (.*)/s);
      lines.push({
        offset,
        operation,
        operands: rest === "" ? [] : operandsOf(rest, target, address, code.length, symbols),
        bytes: code.subarray(offset, offset + length),
        source: sources.get(ip),
      });
      instruction.free();
    }
  } finally {
    formatter.free();
    decoder.free();
  }
  return lines;
}

/** Branches within the function are told by their offset, calls out of it by name where the kernel has one. */
function operandsOf(text: string, target: bigint, start: bigint, length: number, symbols: KernelSymbols): string[] {
  if (target === 0n || !/^0x/i.test(text)) return splitOperands(text);
  const inside = target >= start && target < start + BigInt(length);
  if (inside) return [`0x${(target - start).toString(16)}`];
  const name = symbols.nameAt(target);
  const address = `0x${target.toString(16)}`;
  return [name === undefined ? address : `${address} <${name}>`];
}

/** At commas outside of parentheses. */
function splitOperands(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

function functionText({ name, prototype, lines }: NativeFunction, options: ListingOptions): string[] {
  const out = prototype === undefined ? [] : [`${prototype}:`];
  out.push(`${name}:`);
  for (const { offset, operation, operands, bytes, source } of lines) {
    if (source !== undefined && source.text !== "") out.push(lineText(source, options.linum));
    out.push(`${offset.toString(16).padStart(4)}:\t${operation.padEnd(6)} ${operands.join(",")}`.trimEnd());
    if (options.opcodes) out.push(`\t${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`);
  }
  return out;
}

function functionJson({ name, prototype, lines }: NativeFunction, options: ListingOptions): object {
  return {
    proto: prototype,
    name,
    insns: lines.map(({ offset, operation, operands, bytes, source }) => ({
      ...(source === undefined ? {} : lineJson(source, options.linum)),
      pc: `0x${offset.toString(16)}`,
      operation,
      operands,
      opcodes: options.opcodes ? [...bytes].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`) : undefined,
    })),
  };
}
