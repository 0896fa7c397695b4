import { enableStatistics } from "@tsbpf/linux";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { pause } from "../live/interrupt.js";
import { requireKernel } from "../live/kernel-only.js";
import { takeProgram } from "../live/select.js";
import { groupDigits } from "../table.js";

/** Hardware counters of bpftool's. */
const counters = ["cycles", "instructions", "l1d_loads", "llc_misses", "itlb_misses", "dtlb_misses"] as const;
const statistics = ["run_cnt", "run_time"] as const;

/**
 * `prog profile PROG [duration SECONDS] METRIC...`: until Ctrl-C, or for so long. Calls and time are what the kernel counts by
 * itself.
 *
 * @throws CommandError for hardware counters: they take programs on the program's entry and exit, which tsbpf has not.
 */
export async function profileProgram(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "profiling");
  const program = await takeProgram(context, words);
  const seconds = words.take("duration") === undefined ? undefined : words.number("duration");
  const metrics = new Set<string>();
  while (words.left > 0) metrics.add(words.choose("metric", [...statistics, ...counters]));
  if (metrics.size === 0)
    throw new UsageError(`${words.command}: a METRIC is missing`, `one of: ${statistics.join(", ")}`);
  const counter = counters.find((each) => metrics.has(each));
  if (counter !== undefined) {
    throw new CommandError(`'${counter}' is a hardware counter, which tsbpf does not read`, {
      hint: `${statistics.join(" and ")} are counted by the kernel itself`,
    });
  }
  using _ = enableStatistics();
  const before = program.details();
  await pause(seconds ?? Number.POSITIVE_INFINITY);
  const after = program.details();
  const calls = after.runCount - before.runCount;
  const time = after.runTimeNs - before.runTimeNs;
  if (context.json) {
    const measured = { run_cnt: calls, run_time: time };
    context.answer(
      statistics.filter((each) => metrics.has(each)).map((metric) => ({ metric, value: measured[metric] })),
    );
    return;
  }
  if (metrics.has("run_cnt")) context.print(`${groupDigits(Number(calls)).padStart(16)} run_cnt`);
  if (metrics.has("run_time")) {
    const each = calls === 0n ? "" : `   # ${(Number(time) / Number(calls)).toFixed(0)} ns a call`;
    context.print(`${groupDigits(Number(time)).padStart(16)} run_time (ns)${each}`);
  }
}
