import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { styleText } from "node:util";
import type { Machine } from "@tsbpf/core/machine";
import { CommandError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import { LiveMachine } from "../live/live-machine.js";
import type { MachineAttachments } from "../live/machine-attachments.js";
import type { TraceHub } from "../live/trace-hub.js";
import type { Remote } from "../session.js";
import type { Terminal } from "../terminal.js";
import { encodeMessage, Lines, type Request, type Response, socketFolder, socketPath } from "./protocol.js";

/** Runs one command line, as main does. */
export type RunCommandLine = (words: readonly string[], terminal: Terminal, remote: Remote) => Promise<number>;

/** What a server gives its clients. */
export interface Served {
  readonly machine: Machine;
  readonly attachments: MachineAttachments;
  readonly trace: TraceHub;
  readonly version: string;
  readonly run: RunCommandLine;
}

/** A Machine that command lines of the same user reach over a Unix socket. They run one at a time. */
export class MachineServer {
  readonly #served: Served;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #turns = new Turns();
  /** Somebody has asked for the end, and is told how it went. */
  readonly ended: Promise<Ending>;
  #end: (ending: Ending) => void = () => {};

  constructor(served: Served) {
    this.#served = served;
    this.#server = createServer((socket) => this.#take(socket));
    this.ended = new Promise((fulfil) => {
      this.#end = fulfil;
    });
  }

  /** @throws CommandError where the socket's folder is not this user's own, or the socket can't be made. */
  async listen(): Promise<void> {
    makeFolder(socketFolder());
    const path = socketPath();
    removeStale(path);
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((fulfil, reject) => {
        this.#server.once("error", reject).listen(path, fulfil);
      });
    } catch (error) {
      throw new CommandError(`${path}: ${(error as Error).message}`, { cause: error });
    } finally {
      process.umask(mask);
    }
    chmodSync(path, 0o600);
  }

  /** Hangs up on everybody. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.end();
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    const lines = new Lines();
    const client = new Client(socket);
    socket.setEncoding("utf8");
    socket.on("close", () => {
      this.#sockets.delete(socket);
      client.interrupt();
    });
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: string) => {
      try {
        for (const line of lines.push(chunk)) this.#answer(client, JSON.parse(line) as Request);
      } catch {
        // Not one of ours.
        socket.destroy();
      }
    });
  }

  #answer(client: Client, request: Request): void {
    if ("interrupt" in request) client.interrupt();
    else if ("down" in request) this.#end(client);
    else void this.#run(client, request);
  }

  async #run(client: Client, request: Extract<Request, { readonly run: unknown }>): Promise<void> {
    const { machine, attachments, trace, version, run } = this.#served;
    const terminal = client.terminal(request.terminal);
    if (request.version !== version) {
      terminal.warn(
        `tsbpf: the Machine that is up is of tsbpf ${version}, this is ${request.version}: take it down first`,
      );
      client.send({ exit: exitStatus.failed });
      return;
    }
    const turn = await this.#turns.take();
    try {
      process.chdir(request.folder);
      const host = new LiveMachine(machine, attachments, trace);
      const input = new Uint8Array(Buffer.from(request.input, "base64"));
      const remote: Remote = {
        host,
        input,
        untilInterrupted: () => {
          turn.end();
          return client.interrupted;
        },
      };
      client.send({ exit: await run(request.run, terminal, remote) });
    } catch (error) {
      terminal.warn(`tsbpf: ${error instanceof Error ? error.message : String(error)}`);
      client.send({ exit: exitStatus.failed });
    } finally {
      turn.end();
    }
  }
}

/** Who has asked for the end. */
export interface Ending {
  send(response: Response): void;
}

/** One connection. */
class Client implements Ending {
  readonly interrupted: Promise<void>;
  readonly #socket: Socket;
  #interrupt: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.interrupted = new Promise((fulfil) => {
      this.#interrupt = fulfil;
    });
  }

  interrupt(): void {
    this.#interrupt();
  }

  send(response: Response): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeMessage(response));
  }

  /** A terminal whose text goes to the client's. */
  terminal({ isTerminal, colour, columns }: Extract<Request, { readonly run: unknown }>["terminal"]): Terminal {
    return {
      write: (text) => this.send({ out: text }),
      print: (line = "") => this.send({ out: `${line}\n` }),
      warn: (line) => this.send({ err: line }),
      style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
      status: (line) => this.send({ status: line }),
      isTerminal,
      columns,
    };
  }
}

/** Whose turn it is: each waits for the one before to end. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  async take(): Promise<{ end(): void }> {
    const before = this.#last;
    let end: () => void = () => {};
    this.#last = new Promise((fulfil) => {
      end = fulfil;
    });
    await before;
    return { end };
  }
}

function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  const isOwn = uid === process.getuid?.();
  // A folder that the user has named with TSBPF_SOCKET is their own affair, as long as nobody else could put a socket there.
  if (isOwn && (mode & 0o022) === 0) return;
  throw new CommandError(`${folder}: others may write to it, so that no socket is made there`, {
    hint: "chmod 700, or name another place with TSBPF_SOCKET",
  });
}

/** What a Machine that was killed has left. Whether one is up has been asked before. */
function removeStale(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch {
    // There is none.
  }
}
