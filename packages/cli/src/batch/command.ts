import { UsageError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import { JsonText } from "../json.js";
import { readInput } from "../object-file.js";
import { printJson, type Session } from "../session.js";
import type { Terminal } from "../terminal.js";
import { batchLines } from "./lines.js";

/** Runs one command line, as main does. */
export type RunCommandLine = (words: readonly string[], terminal: Terminal) => Promise<number>;

/** `batch file FILE`: the status of the first command that fails, which is the last that runs. */
export async function runBatch(session: Session, word: string, file: string, run: RunCommandLine): Promise<number> {
  if (word === "" || !"file".startsWith(word)) throw new UsageError(`batch: 'file FILE' is wanted, not '${word}'`);
  const commands = batchLines(new TextDecoder().decode(file === "-" ? await readStdin() : await readInput(file)));
  const answers: object[] = [];
  let failed: { readonly status: number; readonly line: number } | undefined;
  for (const { words, line } of commands) {
    if (words[0] === "batch") throw new UsageError(`line ${line} of the batch: a batch holds no batches`);
    const output = new Collector(session.terminal, session.json);
    const status = await run(session.json ? ["--json", ...words] : words, output);
    if (session.json) answers.push({ command: words, output: output.json() });
    if (status !== exitStatus.ok) {
      failed = { status, line };
      break;
    }
  }
  if (session.json) printJson(session, answers);
  else if (failed === undefined) session.terminal.print(`processed ${commands.length} commands`);
  else session.terminal.warn(`tsbpf: the batch ended at line ${failed.line}`);
  return failed?.status ?? exitStatus.ok;
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The terminal of one command: in JSON it keeps what is printed, to be part of the batch's own document. */
class Collector implements Terminal {
  readonly columns: number;
  readonly #under: Terminal;
  readonly #keep: boolean;
  #text = "";

  constructor(under: Terminal, keep: boolean) {
    this.#under = under;
    this.#keep = keep;
    this.columns = under.columns;
  }

  write(text: string): void {
    if (this.#keep) this.#text += text;
    else this.#under.write(text);
  }

  print(line = ""): void {
    this.write(`${line}\n`);
  }

  warn(line: string): void {
    this.#under.warn(line);
  }

  style(...[style, text]: Parameters<Terminal["style"]>): string {
    return this.#keep ? text : this.#under.style(style, text);
  }

  status(line: string): void {
    this.#under.status(line);
  }

  json(): JsonText {
    const text = this.#text.trim();
    return new JsonText(text === "" ? "null" : text);
  }
}
