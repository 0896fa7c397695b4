import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Machine } from "@tsbpf/core/machine";
import { CommandError } from "../command-error.js";
import { describeFileError } from "../object-file.js";

/** Where this user's pins are kept while no Machine is up: in `$XDG_STATE_HOME`, or `~/.local/state`. */
export function statePath(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "tsbpf", "pins");
}

/** Pins of a Machine that is no longer up. */
export interface SavedPins {
  /** CPUs of that Machine: values of per-CPU maps fit none with another number. */
  readonly cpus: number;
  readonly bytes: Uint8Array;
}

/** What was pinned before; undefined where nothing was. @throws CommandError for a file that isn't one */
export function readPins(file: string): SavedPins | undefined {
  let whole: Buffer;
  try {
    whole = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CommandError(describeFileError(file, error), { cause: error });
  }
  // A line that says for how many CPUs, and the pins behind it.
  const end = whole.indexOf("\n");
  const cpus = /^cpus (\d{1,4})$/.exec(whole.toString("latin1", 0, Math.min(end, 16)))?.[1];
  if (end < 0 || cpus === undefined) throw new CommandError(`${file}: no pins of a Machine`, { hint: STARTING_FRESH });
  return { cpus: Number(cpus), bytes: new Uint8Array(whole.subarray(end + 1)) };
}

const STARTING_FRESH = "`tsbpf up --fresh` starts without them";

/** Makes the pins again. @throws CommandError for what can't be used any more */
export function restorePins(machine: Machine, { cpus, bytes }: SavedPins, file: string): void {
  if (cpus !== machine.cpus) {
    throw new CommandError(`${file}: the saved pins are of a Machine with ${cpus} CPUs, not ${machine.cpus}`, {
      hint: STARTING_FRESH,
    });
  }
  try {
    machine.restorePins(bytes);
  } catch (error) {
    throw new CommandError(`${file}: the saved pins can't be restored: ${(error as Error).message}`, {
      hint: STARTING_FRESH,
      cause: error,
    });
  }
}

/** Writes what is pinned: the file is the one of before until all of it is on the disk. */
export function savePins(machine: Machine, file: string): void {
  const whole = `${file}.new`;
  try {
    if (machine.bpffs.pins === 0) {
      rmSync(file, { force: true });
      return;
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const fd = openSync(whole, "w", 0o600);
    try {
      for (const part of [Buffer.from(`cpus ${machine.cpus}\n`), machine.savePins()]) {
        for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(whole, file);
  } catch (error) {
    throw new CommandError(`the pins were not saved: ${describeFileError(file, error)}`, { cause: error });
  }
}
