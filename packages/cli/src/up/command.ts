import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Machine } from "@tsbpf/core/machine";
import { SystemClock } from "@tsbpf/core/runtime";
import { CommandError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import { MachineAttachments } from "../live/machine-attachments.js";
import { TraceHub } from "../live/trace-hub.js";
import { printJson, type Session } from "../session.js";
import { buildTopology } from "./build.js";
import { printResponses, reachMachine } from "./client.js";
import { readPins, restorePins, savePins, statePath } from "./pin-store.js";
import { encodeMessage, socketPath } from "./protocol.js";
import { type Ending, MachineServer, type RunCommandLine } from "./server.js";
import { readTopology } from "./topology.js";

export interface UpOptions {
  readonly topology: string | undefined;
  readonly run: RunCommandLine;
  readonly foreground?: boolean;
  readonly cpus?: number;
  /** Where pins are kept while no Machine is up. */
  readonly state?: string;
  /** Starts without the pins of before. */
  readonly fresh?: boolean;
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
  if (options.foreground) await serve(session, options);
  else tell(session, await startInBackground(options));
}

/** `tsbpf down` */
export async function down(session: Session): Promise<void> {
  const socket = await reachMachine();
  if (socket === undefined) throw new CommandError("no Machine is up");
  socket.write(encodeMessage({ down: true }));
  const status = await printResponses(socket, session.terminal);
  // The Machine is gone when it hangs up.
  await new Promise((fulfil) => socket.resume().on("close", fulfil).on("error", fulfil));
  if (status !== exitStatus.ok) throw new CommandError("");
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

async function startInBackground({ topology, cpus, state, fresh }: UpOptions): Promise<Ready> {
  const words = [
    ...["up", "--foreground", "--json"],
    ...(cpus === undefined ? [] : ["--cpus", String(cpus)]),
    ...(state === undefined ? [] : ["--state", state]),
    ...(fresh === true ? ["--fresh"] : []),
    ...(topology === undefined ? [] : [topology]),
  ];
  const child = spawn(process.execPath, [process.argv[1]!, ...words], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const first = await new Promise<string>((fulfil, reject) => {
    createInterface(child.stdout).once("line", fulfil);
    child.once("error", reject);
    child.once("close", () => reject(new CommandError("the Machine ended before it was up")));
  });
  const answer = JSON.parse(first) as Ready | { readonly error: string; readonly hint?: string };
  if ("error" in answer) throw new CommandError(answer.error, answer);
  child.stdout.destroy();
  child.unref();
  return answer;
}

async function serve(session: Session, options: UpOptions): Promise<void> {
  const topology = options.topology === undefined ? {} : await readTopology(options.topology);
  const { cpus, run, state = statePath(), fresh = false } = options;
  const saved = fresh ? undefined : readPins(state);
  const trace = new TraceHub();
  const machine = new Machine({
    cpus: cpus ?? topology.cpus ?? saved?.cpus ?? 1,
    clock: new SystemClock(),
    trace: (text) => trace.emit(text),
  });
  const attachments = new MachineAttachments(machine);
  const server = new MachineServer({ machine, attachments, trace, version: session.version, run });
  try {
    if (saved !== undefined) restorePins(machine, saved, state);
    await buildTopology(machine, attachments, topology);
    await server.listen();
    const ticking = setInterval(() => machine.runTimers(), TICK_MS);
    const signalled = new Promise<undefined>((fulfil) => {
      const stop = () => fulfil(undefined);
      process.once("SIGINT", stop).once("SIGTERM", stop);
    });
    tell(session, { pid: process.pid, socket: socketPath() });
    const ending = await Promise.race([server.ended, signalled]);
    clearInterval(ticking);
    end(machine, state, ending);
  } finally {
    server.close();
    machine.close();
  }
}

/** Saves what is pinned, and tells whoever asked for the end, or this process's own user. */
function end(machine: Machine, state: string, ending: Ending | undefined): void {
  try {
    savePins(machine, state);
    ending?.send({ exit: exitStatus.ok });
  } catch (error) {
    if (ending === undefined) throw error;
    ending.send({ err: `tsbpf: ${(error as Error).message}` });
    ending.send({ exit: exitStatus.failed });
  }
}
