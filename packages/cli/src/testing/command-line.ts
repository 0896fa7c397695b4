import { runCommandLine } from "../main.js";
import type { Terminal } from "../terminal.js";

/** Runs one command line in this process, with a terminal that remembers. */
export async function commandLine(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    write: (text) => {
      out += text;
    },
    print: (line = "") => {
      out += `${line}\n`;
    },
    warn: (line) => {
      err += `${line}\n`;
    },
    style: (_, text) => text,
    status: () => {},
    columns: 80,
  };
  const status = await runCommandLine(words, terminal);
  return { status, out, err };
}
