import { writeFile } from "node:fs/promises";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { KernelSymbols } from "../live/kernel-symbols.js";
import type { LiveHost, LiveProgram } from "../live/live-host.js";
import { btfById } from "../live/object-btf.js";
import { takePrograms } from "../live/select.js";
import { describeFileError } from "../object-file.js";
import type { Drawing } from "./flow-drawing.js";
import { programHeadJson, programHeadText } from "./head.js";
import type { ListingOptions } from "./listing-options.js";
import { lineJson, lineText } from "./source-lines.js";
import { listTranslated, type TranslatedLine } from "./translated.js";

/** A program's listing, in either form. */
interface Listing {
  text(): string[];
  json(): unknown;
}

/** `prog dump { xlated | jited } PROG ...` */
export async function dumpPrograms(context: Context, words: Words): Promise<void> {
  const form = words.choose("form", ["xlated", "jited"]);
  const programs = await takePrograms(context, words);
  const options = takeOptions(words, form);
  if ((options.file !== undefined || options.visual !== undefined) && programs.length > 1) {
    throw new CommandError("several programs fit, and only one can be written to a file or drawn: say which by id");
  }
  const first = programs[0]!;
  if (options.file !== undefined) return writeImage(first, form, options.file);
  if (options.visual !== undefined) return draw(context, first, options.visual);
  const host = await context.host();
  const shown: unknown[] = [];
  for (const [index, program] of programs.entries()) {
    const listing = form === "jited" ? await listNative(host, program, options) : listXlated(host, program, options);
    if (context.json) {
      shown.push(programs.length > 1 ? { ...programHeadJson(host, program), insns: listing.json() } : listing.json());
      continue;
    }
    if (index > 0) context.print();
    if (programs.length > 1) context.print(programHeadText(host, program));
    for (const line of listing.text()) context.print(line);
  }
  if (context.json) context.answer(programs.length > 1 ? shown : shown[0]);
}

interface DumpOptions extends ListingOptions {
  readonly file: string | undefined;
  /** How the control flow is drawn; as suits the output where that isn't said. */
  readonly visual: Drawing | undefined;
}

function takeOptions(words: Words, form: "xlated" | "jited"): DumpOptions {
  const keywords =
    form === "xlated" ? (["file", "opcodes", "linum", "visual"] as const) : (["file", "opcodes", "linum"] as const);
  if (words.take("file") !== undefined) {
    const file = words.next("FILE");
    words.end();
    return { file, opcodes: false, linum: false, visual: undefined };
  }
  const chosen = new Set<string>();
  let visual: Drawing | undefined;
  for (let word = words.take(...keywords); word !== undefined; word = words.take(...keywords)) {
    if (word === "file") throw new UsageError(`${words.command}: 'file' stands alone`);
    chosen.add(word);
    if (word === "visual") visual = words.take("dot", "text") ?? "auto";
  }
  words.end(...keywords);
  return { file: undefined, opcodes: chosen.has("opcodes"), linum: chosen.has("linum"), visual };
}

async function writeImage(program: LiveProgram, form: "xlated" | "jited", file: string): Promise<void> {
  const image = program.layout()[form];
  requireImage(image, form);
  try {
    await writeFile(file, image, { mode: 0o600 });
  } catch (error) {
    throw new CommandError(describeFileError(file, error), { cause: error });
  }
}

/** @throws CommandError saying why there may be nothing to see. */
export function requireImage(image: Uint8Array, form: "xlated" | "jited"): void {
  if (image.length > 0) return;
  throw new CommandError(
    form === "xlated"
      ? "the kernel does not show the program's instructions"
      : "the kernel shows no native code of the program",
    {
      hint:
        "this needs CAP_SYS_ADMIN and kernel.bpf_jit_harden 0" +
        (form === "jited" ? ", and a program that is compiled" : ""),
    },
  );
}

async function draw(context: Context, program: LiveProgram, drawing: Drawing): Promise<void> {
  const { drawFlow } = await import("./flow-drawing.js");
  const host = await context.host();
  const { xlated } = program.layout();
  requireImage(xlated, "xlated");
  const { terminal } = context.session;
  for (const line of drawFlow(linesOf(host, program), terminal, drawing)) if (!context.json) context.print(line);
}

function linesOf(host: LiveHost, program: LiveProgram): TranslatedLine[] {
  const layout = program.layout();
  requireImage(layout.xlated, "xlated");
  const btf = btfById(host, program.details().btfId);
  return listTranslated(layout, { btf, symbols: host.name === "kernel" ? new KernelSymbols() : undefined });
}

function listXlated(host: LiveHost, program: LiveProgram, options: ListingOptions): Listing {
  const lines = linesOf(host, program);
  return {
    text: () => lines.flatMap((line) => translatedText(line, options)),
    json: () => lines.map((line) => translatedJson(line, options)),
  };
}

function translatedText(line: TranslatedLine, options: ListingOptions): string[] {
  const lines: string[] = [];
  if (line.prototype !== undefined) lines.push(`${line.prototype}:`);
  if (line.source !== undefined && line.source.text !== "") lines.push(lineText(line.source, options.linum));
  lines.push(`${String(line.slot).padStart(4)}: ${line.text}`);
  if (options.opcodes) lines.push(`       ${[...line.bytes].map(hex).join(" ")}`);
  return lines;
}

function translatedJson(line: TranslatedLine, options: ListingOptions): object {
  const { bytes } = line;
  const quoted = (from: number, to: number) => [...bytes.subarray(from, to)].map((byte) => `0x${hex(byte)}`);
  const opcodes = {
    code: `0x${hex(bytes[0]!)}`,
    src_reg: `0x${(bytes[1]! >> 4).toString(16)}`,
    dst_reg: `0x${(bytes[1]! & 15).toString(16)}`,
    off: quoted(2, 4),
    // Of a lddw all that is behind the offset, its second slot included.
    imm: quoted(4, bytes.length),
  };
  return {
    proto: line.prototype,
    ...(line.source === undefined ? {} : lineJson(line.source, options.linum)),
    disasm: line.text,
    opcodes: options.opcodes ? opcodes : undefined,
  };
}

async function listNative(host: LiveHost, program: LiveProgram, options: ListingOptions): Promise<Listing> {
  const layout = program.layout();
  requireImage(layout.jited, "jited");
  const { listNativeCode } = await import("./native.js");
  return listNativeCode(layout, btfById(host, program.details().btfId), new KernelSymbols(), options);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
