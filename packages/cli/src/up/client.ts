import { connect, type Socket } from "node:net";
import { CommandError } from "../command-error.js";
import type { Session } from "../session.js";
import type { Terminal } from "../terminal.js";
import { encodeMessage, Lines, type Request, type Response, socketPath } from "./protocol.js";

/** A connection to the Machine that is up; undefined where none is. @throws CommandError where it can't be reached. */
export function reachMachine(): Promise<Socket | undefined> {
  const path = socketPath();
  return new Promise((fulfil, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      fulfil(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") fulfil(undefined);
      else reject(new CommandError(`${path}: ${error.message}`, { cause: error }));
    });
  });
}

/** Sends a command line to the Machine that `socket` reaches, prints what comes back, and answers the exit status. */
export async function runOnMachine(socket: Socket, { words, terminal, version }: Session): Promise<number> {
  const input = words.includes("-") ? await readStandardInput() : Buffer.alloc(0);
  const request: Request = {
    run: words,
    version,
    folder: process.cwd(),
    terminal: {
      isTerminal: terminal.isTerminal === true,
      colour: terminal.style("bold", "x") !== "x",
      columns: terminal.columns,
    },
    input: input.toString("base64"),
  };
  const interrupt = () => socket.write(encodeMessage({ interrupt: true }));
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    socket.write(encodeMessage(request));
    return await printResponses(socket, terminal);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    socket.destroy();
  }
}

/** Prints what comes until the exit status does, which it answers. @throws CommandError where it never comes */
export async function printResponses(socket: Socket, terminal: Terminal): Promise<number> {
  const lines = new Lines();
  socket.setEncoding("utf8");
  // Iterating would end the connection with the loop.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    for (const line of lines.push(chunk)) {
      const response = JSON.parse(line) as Response;
      if ("out" in response) terminal.write(response.out);
      else if ("err" in response) terminal.warn(response.err);
      else if ("status" in response) terminal.status(response.status);
      else return response.exit;
    }
  }
  throw new CommandError("the Machine went away before it had answered");
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
