import { programTypeName } from "@tsbpf/core/abi";
import type { LiveHost } from "./live-host.js";

/** What a program had used when it was looked at. */
export interface UsageSample {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
}

/** What a program used between two samples. */
export interface Usage {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  readonly calls: number;
  readonly nanoseconds: number;
}

/** All programs, by id. */
export function sampleUsage(host: LiveHost): Map<number, UsageSample> {
  const samples = new Map<number, UsageSample>();
  for (const id of host.ids("program")) {
    const program = host.find("program", id);
    if (program === undefined) continue;
    const { name, type, runTimeNs, runCount } = program.details();
    program.close();
    samples.set(id, { id, name, type: programTypeName(type) ?? String(type), runTimeNs, runCount });
  }
  return samples;
}

/** What was used since; programs that were loaded since then count from their beginning. */
export function usageSince(before: ReadonlyMap<number, UsageSample>, now: ReadonlyMap<number, UsageSample>): Usage[] {
  return [...now.values()].map(({ id, type, name, runTimeNs, runCount }) => {
    const then = before.get(id);
    return {
      ...{ id, type, name },
      calls: Number(runCount - (then?.runCount ?? 0n)),
      nanoseconds: Number(runTimeNs - (then?.runTimeNs ?? 0n)),
    };
  });
}
