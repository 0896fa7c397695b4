import { CommandError } from "../command-error.js";
import { printJson, type Session, toJson } from "../session.js";
import type { Flags } from "./flags.js";
import type { LiveHost } from "./live-host.js";

/** What the verbs in bpftool's grammar work with: the session, the flags, and the host once it is needed. */
export class Context {
  readonly session: Session;
  readonly flags: Flags;
  readonly #openHost: () => Promise<LiveHost>;
  #host: LiveHost | undefined;
  #answered = false;

  constructor(session: Session, flags: Flags, openHost: () => Promise<LiveHost>) {
    this.session = session;
    this.flags = flags;
    this.#openHost = openHost;
  }

  get json(): boolean {
    return this.session.json;
  }

  /** Has a JSON document been printed? */
  get answered(): boolean {
    return this.#answered;
  }

  /** The host, opened when first asked for. @throws CommandError saying what to do, where there is none. */
  async host(): Promise<LiveHost> {
    this.#host ??= await this.#openHost();
    return this.#host;
  }

  /** The command's JSON document. */
  answer(document: unknown): void {
    this.#answered = true;
    printJson(this.session, document);
  }

  /** A JSON value of its own line, for verbs that answer for as long as they run. */
  line(value: unknown): string {
    return toJson(value);
  }

  /** Says that a document is written by the verb itself, piece by piece. */
  beginAnswer(): void {
    this.#answered = true;
  }

  print(line = ""): void {
    this.session.terminal.print(line);
  }

  close(): void {
    this.#host?.close();
  }
}

/** The failure of a verb whose answer, printed already, says all there is to say. */
export class SilentFailure extends CommandError {
  constructor() {
    super("");
    this.name = "SilentFailure";
  }
}
