import { encodeJson, indentJson } from "./json.js";
import type { LiveHost } from "./live/live-host.js";
import type { Terminal } from "./terminal.js";

/** What every verb gets: where to print, and how the user wants answers. */
export interface Session {
  readonly terminal: Terminal;
  /** `-j` or `-p`: one JSON document on standard output and nothing else. */
  readonly json: boolean;
  /** `-p`: the JSON document indented. */
  readonly pretty: boolean;
  /** The command line, as it was given. */
  readonly words: readonly string[];
  /** Of tsbpf. */
  readonly version: string;
  /** Where this command line comes from, if not from this process's own user. */
  readonly remote?: Remote | undefined;
}

/** A command line that another process has sent to a Machine that is up. */
export interface Remote {
  /** What its live objects are on. */
  readonly host: LiveHost;
  /** What the sender has on its standard input. */
  readonly input: Uint8Array;
  /** Lets other command lines run, and waits for the sender's Ctrl-C. */
  untilInterrupted(): Promise<void>;
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
