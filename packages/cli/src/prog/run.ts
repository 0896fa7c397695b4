import { writeFile } from "node:fs/promises";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { takeProgram } from "../live/select.js";
import { describeFileError, readInput } from "../object-file.js";

const keywords = ["data_in", "data_out", "data_size_out", "ctx_in", "ctx_out", "ctx_size_out", "repeat"] as const;

/** `prog run PROG data_in FILE ...`: BPF_PROG_TEST_RUN. `-` is standard input, or a hex dump on standard output. */
export async function runProgram(context: Context, words: Words): Promise<void> {
  const program = await takeProgram(context, words);
  const given: Partial<Record<(typeof keywords)[number], string>> = {};
  let repeat = 1;
  let dataSize: number | undefined;
  while (words.left > 0) {
    const keyword = words.choose("option", keywords);
    if (given[keyword] !== undefined) throw new UsageError(`${words.command}: '${keyword}' is there twice`);
    if (keyword === "repeat") repeat = words.number("N");
    else if (keyword === "data_size_out") dataSize = words.number("L");
    // A context comes out as long as it went in.
    else if (keyword === "ctx_size_out") words.number("M");
    else given[keyword] = words.next("FILE");
  }
  if (given.data_in === undefined && given.ctx_in === undefined) {
    throw new UsageError(`${words.command}: 'data_in FILE' or 'ctx_in FILE' is missing`);
  }
  const result = program.program.testRun({
    data: given.data_in === undefined ? undefined : await readInputOrStdin(context, given.data_in),
    context: given.ctx_in === undefined ? undefined : await readInputOrStdin(context, given.ctx_in),
    repeat,
    outputSize: given.data_out === undefined ? undefined : dataSize,
  });
  const { retval, duration } = result;
  const output = { data_out: result.data, ctx_out: result.context };
  const shown: Record<string, unknown> = {};
  for (const name of ["data_out", "ctx_out"] as const) {
    const file = given[name];
    const bytes = output[name];
    if (file === undefined || bytes.length === 0) continue;
    if (file !== "-") await writeOutput(file, bytes);
    else if (context.json) shown[name] = [...bytes];
    else for (const line of hexDump(bytes)) context.print(line);
  }
  if (context.json) context.answer({ ...shown, retval, duration });
  else context.print(`Return value: ${retval}, duration${repeat > 1 ? " (average)" : ""}: ${duration}ns`);
}

async function readInputOrStdin({ session }: Context, file: string): Promise<Uint8Array> {
  if (file !== "-") return readInput(file);
  if (session.remote !== undefined) return session.remote.input;
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

async function writeOutput(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw new CommandError(describeFileError(file, error), { cause: error });
  }
}

const LINE = 16;

/** Sixteen bytes a line: offset, pairs in hex, printable characters. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE) {
    const row = bytes.subarray(at, at + LINE);
    let hex = "";
    let text = "";
    for (let i = 0; i < LINE; i++) {
      const byte = row[i];
      if (i === 8) text += " ";
      hex += byte === undefined ? "  " : byte.toString(16).padStart(2, "0");
      if (i % 2 === 1) hex += " ";
      if (byte !== undefined) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
    }
    lines.push(`${at.toString(16).padStart(7, "0")}\t${hex}| ${text}`);
  }
  return lines;
}
