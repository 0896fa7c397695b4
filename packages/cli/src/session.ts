import type { Terminal } from "./terminal.js";

/** What every verb gets: where to print, and how the user wants answers. */
export interface Session {
  readonly terminal: Terminal;
  /** `-j` or `-p`: one JSON document on standard output and nothing else. */
  readonly json: boolean;
  /** `-p`: the JSON document indented. */
  readonly pretty: boolean;
}

/** Prints one JSON document. Numbers beyond 2^53 are printed in full, as bpftool does. */
export function printJson(session: Session, value: unknown): void {
  session.terminal.print(toJson(value, session.pretty ? "\t" : ""));
}

/** JSON with bigints as numbers in full. */
export function toJson(value: unknown, indent = ""): string {
  // JSON.stringify has no way to write a bigint as a number; a marked string is turned into one afterwards.
  const mark = "\u0001";
  const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${mark}${part}${mark}` : part), indent);
  return text.replace(/"\\u0001(-?\d+)\\u0001"/g, "$1");
}
