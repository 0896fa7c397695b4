import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Machine } from "@tsbpf/core/machine";
import { SystemClock } from "@tsbpf/core/runtime";
import { CommandError } from "../command-error.js";
import { MachineAttachments } from "../live/machine-attachments.js";
import { TraceHub } from "../live/trace-hub.js";
import { printJson, type Session } from "../session.js";
import { buildTopology } from "./build.js";
import { reachMachine } from "./client.js";
import { encodeMessage, socketPath } from "./protocol.js";
import { MachineServer, type RunCommandLine } from "./server.js";
import { readTopology, type Topology } from "./topology.js";

export interface UpOptions {
  readonly topology: string | undefined;
  readonly run: RunCommandLine;
  readonly foreground?: boolean;
  readonly cpus?: number;
}

/** How often timers of programs and connections are looked after, in milliseconds. */
const TICK_MS = 10;

/** `tsbpf up [TOPOLOGY]` */
export async function up(session: Session, options: UpOptions): Promise<void> {
  const running = await reachMachine();
  if (running !== undefined) {
    running.destroy();
    throw new CommandError("a Machine is up already", { hint: "`tsbpf down` ends it" });
  }
  // Mistakes in the file are told here, whoever builds it.
  const topology = options.topology === undefined ? {} : await readTopology(options.topology);
  if (options.foreground) await serve(session, topology, options);
  else tell(session, await startInBackground(options));
}

/** `tsbpf down` */
export async function down(session: Session): Promise<void> {
  const socket = await reachMachine();
  if (socket === undefined) throw new CommandError("no Machine is up");
  const closed = new Promise((fulfil) => socket.on("close", fulfil).on("error", fulfil));
  socket.resume();
  socket.write(encodeMessage({ down: true }));
  await closed;
  if (session.json) printJson(session, null);
}

/** What the process that keeps the Machine says first. */
interface Ready {
  readonly pid: number;
  readonly socket: string;
}

function tell(session: Session, { pid, socket }: Ready): void {
  if (session.json) printJson(session, { pid, socket });
  else session.terminal.print(`a Machine is up (pid ${pid}, ${socket})`);
}

async function startInBackground({ topology, cpus }: UpOptions): Promise<Ready> {
  const words = ["up", "--foreground", "--json", ...(cpus === undefined ? [] : ["--cpus", String(cpus)])];
  const child = spawn(process.execPath, [process.argv[1]!, ...words, ...(topology === undefined ? [] : [topology])], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const first = await new Promise<string>((fulfil, reject) => {
    createInterface(child.stdout).once("line", fulfil);
    child.once("error", reject);
    child.once("close", () => reject(new CommandError("the Machine ended before it was up")));
  });
  const answer = JSON.parse(first) as Ready | { readonly error: string };
  if ("error" in answer) throw new CommandError(answer.error);
  child.stdout.destroy();
  child.unref();
  return answer;
}

async function serve(session: Session, topology: Topology, { cpus, run }: UpOptions): Promise<void> {
  const trace = new TraceHub();
  const machine = new Machine({
    cpus: cpus ?? topology.cpus ?? 1,
    clock: new SystemClock(),
    trace: (text) => trace.emit(text),
  });
  const attachments = new MachineAttachments(machine);
  const server = new MachineServer({ machine, attachments, trace, version: session.version, run });
  try {
    await buildTopology(machine, attachments, topology);
    await server.listen();
    const ticking = setInterval(() => machine.runTimers(), TICK_MS);
    const signalled = new Promise<void>((fulfil) => {
      process.once("SIGINT", () => fulfil()).once("SIGTERM", () => fulfil());
    });
    tell(session, { pid: process.pid, socket: socketPath() });
    await Promise.race([server.ended, signalled]);
    clearInterval(ticking);
  } finally {
    server.close();
    machine.close();
  }
}
