import { readFileSync } from "node:fs";
import type { LiveHost } from "./live-host.js";

/** A time in nanoseconds since the host's boot as seconds of the epoch. */
export function sinceBoot({ bootedAt = kernelBoot() }: LiveHost, nanoseconds: bigint): number {
  return Math.floor(bootedAt + Number(nanoseconds / 1_000_000n) / 1000);
}

function kernelBoot(): number {
  return Date.now() / 1000 - Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
}

/** Seconds of the epoch as bpftool writes them: `2026-11-20T06:15:04+0000`, in local time. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const two = (value: number) => String(value).padStart(2, "0");
  const zone = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(zone / 60))}${two(zone % 60)}`;
}
