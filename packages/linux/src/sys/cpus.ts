import { readFileSync } from "node:fs";

let count: number | undefined;

/** Possible CPUs of this machine: the number of values that a per-CPU map has for each key. */
export function possibleCpus(): number {
  count ??= cpusOf(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
  return count;
}

/** CPUs that are online now. */
export function onlineCpus(): number[] {
  return parseCpuList(readFileSync("/sys/devices/system/cpu/online", "utf8"));
}

/** Parses the kernel's list format: `"0-3,8"`. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(",")
    .filter((range) => range !== "")
    .flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

function cpusOf(list: string): number {
  // Ids may have holes; the kernel sizes per-CPU values by the number of possible CPUs, not by the last id.
  return parseCpuList(list).length;
}
