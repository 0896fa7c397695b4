import { UsageError } from "../command-error.js";
import type { FrameTiming } from "./frames.js";

/** What `--watch [SECONDS]` and `--frames N` come as. */
export interface WatchOptions {
  readonly watch?: string | true;
  readonly frames?: string;
}

const USUAL_SECONDS = 2;

/** @throws UsageError for what is no time and no number */
export function watchTiming({ watch, frames }: WatchOptions): FrameTiming {
  const seconds = watch === true ? USUAL_SECONDS : Number(watch);
  if (!(seconds > 0)) throw new UsageError(`--watch takes a number of seconds, not '${watch}'`);
  const count = frames === undefined ? undefined : Number(frames);
  if (count !== undefined && !(Number.isInteger(count) && count > 0)) {
    throw new UsageError(`--frames takes a whole number, not '${frames}'`);
  }
  return { seconds, count };
}

/** A command line without the options that say that it is run again and again: what each time is run. */
export function withoutWatch(words: readonly string[], { watch, frames }: WatchOptions): string[] {
  const left = [...words];
  for (const [name, value] of [
    ["--watch", watch],
    ["--frames", frames],
  ] as const) {
    const at = left.findIndex((word) => word === name || word.startsWith(`${name}=`));
    if (at >= 0) left.splice(at, left[at] === name && typeof value === "string" ? 2 : 1);
  }
  return left;
}
