import { encodeJson, indentJson } from "./json.js";
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
  session.terminal.print(toJson(value, session.pretty ? "    " : ""));
}

/** JSON with bigints as numbers in full. */
export function toJson(value: unknown, indent = ""): string {
  const text = encodeJson(value);
  return indent === "" ? text : indentJson(text, indent);
}
