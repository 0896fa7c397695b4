import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

/** What a client asks of a Machine that is up; one JSON value a line. */
export type Request =
  /** Runs a command line in the sender's folder and for the sender's terminal. `input` is its standard input in base64. */
  | {
      readonly run: readonly string[];
      readonly version: string;
      readonly folder: string;
      readonly terminal: { readonly isTerminal: boolean; readonly colour: boolean; readonly columns: number };
      readonly input: string;
    }
  | { readonly interrupt: true }
  | { readonly down: true };

/** What comes back, a JSON value a line: output as it is made, and at the end the exit status. */
export type Response =
  | { readonly out: string }
  | { readonly err: string }
  | { readonly status: string }
  | { readonly exit: number };

/** A message that is longer is not one of ours. */
const MAX_LINE = 256 << 20;

/**
 * Where the Machine of this user listens: `TSBPF_SOCKET`, else in the user's runtime folder, else in a folder of its own
 * among the temporary ones.
 */
export function socketPath(): string {
  const { TSBPF_SOCKET: own, XDG_RUNTIME_DIR: runtime } = process.env;
  if (own) return own;
  if (runtime) return join(runtime, "tsbpf", "machine.sock");
  return join(tmpdir(), `tsbpf-${userInfo().uid}`, "machine.sock");
}

/** The folder that the socket is in: only its user may look into it. */
export function socketFolder(): string {
  return dirname(socketPath());
}

/** Takes a stream of bytes apart into lines. */
export class Lines {
  #parts: string[] = [];
  #length = 0;

  /** @throws RangeError for a line beyond all measure. */
  *push(chunk: string): Iterable<string> {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
      this.#parts.push(chunk.slice(start, end));
      const line = this.#parts.join("");
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
      yield line;
    }
    this.#parts.push(chunk.slice(start));
    this.#length += chunk.length - start;
    if (this.#length > MAX_LINE) throw new RangeError(`a message of over ${MAX_LINE} bytes`);
  }
}

export function encodeMessage(message: Request | Response): string {
  return `${JSON.stringify(message)}\n`;
}
