import { enableStatistics } from "@tsbpf/linux";
import { showFrames } from "../live/frames.js";
import { pause } from "../live/interrupt.js";
import { openKernelHost } from "../live/kernel-host.js";
import { sampleUsage, type Usage, usageSince } from "../live/program-usage.js";
import { type Session, toJson } from "../session.js";
import { type Column, groupDigits, printTable } from "../table.js";
import type { Terminal } from "../terminal.js";

/** What `top` is told. */
export interface TopOptions {
  readonly interval: number;
  readonly count?: number;
  readonly sort: "time" | "calls";
  readonly all?: true;
}

/** `top`: a line a program, with what it used since the look before. In JSON each look is a line. */
export async function showTop({ terminal, json }: Session, options: TopOptions): Promise<void> {
  const host = openKernelHost();
  using _ = enableStatistics();
  let [before, at] = [sampleUsage(host), performance.now()];
  if ((await pause(options.interval)) === "interrupted") return;
  try {
    await showFrames(terminal, { seconds: options.interval, count: options.count }, (frame) => {
      const [now, time] = [sampleUsage(host), performance.now()];
      const seconds = (time - at) / 1000;
      const shown = order(usageSince(before, now), options);
      [before, at] = [now, time];
      if (json) frame.print(toJson({ seconds, programs: shown.map((usage) => toRates(usage, seconds)) }));
      else draw(frame, shown, seconds);
    });
  } finally {
    host.close();
  }
}

function order(usage: readonly Usage[], { sort, all }: TopOptions): Usage[] {
  const by = sort === "calls" ? (each: Usage) => each.calls : (each: Usage) => each.nanoseconds;
  return usage.filter(({ calls }) => all === true || calls > 0).sort((a, b) => by(b) - by(a) || a.id - b.id);
}

function toRates({ id, type, name, calls, nanoseconds }: Usage, seconds: number): object {
  return {
    ...{ id, type, name, run_cnt: calls, run_time_ns: nanoseconds },
    cpu_percent: Number((nanoseconds / seconds / 1e7).toFixed(3)),
  };
}

const columns: readonly Column[] = [
  { title: "id", align: "right" },
  { title: "type" },
  { title: "name" },
  { title: "calls/s", align: "right" },
  { title: "ns/call", align: "right" },
  { title: "% of a CPU", align: "right" },
];

function draw(frame: Terminal, usage: readonly Usage[], seconds: number): void {
  const total = usage.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
  frame.print(`${usage.length} programs ran, ${(total / seconds / 1e7).toFixed(2)} % of a CPU`);
  frame.print();
  const rows = usage.map(({ id, type, name, calls, nanoseconds }) => [
    String(id),
    type,
    name,
    groupDigits(Math.round(calls / seconds)),
    calls === 0 ? "-" : groupDigits(Math.round(nanoseconds / calls)),
    (nanoseconds / seconds / 1e7).toFixed(2),
  ]);
  printTable(frame, columns, rows);
}
