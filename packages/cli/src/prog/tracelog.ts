import { closeSync, constants, existsSync, openSync, readSync } from "node:fs";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { untilInterrupted } from "../live/interrupt.js";
import type { TraceSource } from "../live/live-host.js";

const folders = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const POLL_MS = 50;

/** `prog tracelog`: what programs print with bpf_printk(), until Ctrl-C. In JSON a string a line. */
export async function followTrace(context: Context, words: Words): Promise<void> {
  words.end();
  const host = await context.host();
  if (host.trace !== undefined) return followHub(context, host.trace);
  const folder = folders.find((path) => existsSync(`${path}/trace_pipe`));
  if (folder === undefined) {
    throw new CommandError("tracefs is not mounted", { hint: "mount -t tracefs tracefs /sys/kernel/tracing" });
  }
  const fd = openPipe(`${folder}/trace_pipe`);
  context.beginAnswer();
  const buffer = Buffer.alloc(1 << 16);
  let rest = "";
  const take = () => {
    for (let length = tryRead(fd, buffer); length > 0; length = tryRead(fd, buffer)) {
      const lines = (rest + buffer.toString("utf8", 0, length)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) context.print(context.json ? JSON.stringify(line) : line);
    }
  };
  const timer = setInterval(take, POLL_MS);
  try {
    await untilInterrupted(context.session);
  } finally {
    clearInterval(timer);
    take();
    closeSync(fd);
  }
}

async function followHub(context: Context, trace: TraceSource): Promise<void> {
  context.beginAnswer();
  const stop = trace.listen((text) => {
    const line = text.replace(/\n$/, "");
    context.print(context.json ? JSON.stringify(line) : line);
  });
  await untilInterrupted(context.session);
  stop();
}

function openPipe(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EBUSY" ? "another reader has it open" : code === "EACCES" ? "permission denied" : code;
    throw new CommandError(`${path}: ${reason}`, { cause: error });
  }
}

/** Bytes read; 0 when there is nothing now. */
function tryRead(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
