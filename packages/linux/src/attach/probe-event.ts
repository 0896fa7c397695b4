import { readFileSync } from "node:fs";
import { NotSupportedError } from "@tsbpf/core/base";

const FOLDER = "/sys/bus/event_source/devices";

/** How the kernel encodes one of its dynamic probes as a perf event. */
export interface ProbeEventSource {
  readonly type: number;
  /** Bit of `config` that asks for the return of the function. */
  readonly returnBit: bigint;
  /** First bit of `config` that holds the offset of a reference counter. */
  readonly counterShift: bigint;
}

/** @throws NotSupportedError on kernels before 4.17, or without such probes. */
export function probeEventSource(kind: "uprobe" | "kprobe"): ProbeEventSource {
  const type = readNumber(`${FOLDER}/${kind}/type`);
  if (type === undefined) {
    throw new NotSupportedError(kind, `the kernel has no ${kind} perf events (${FOLDER}/${kind} is missing)`, "4.17");
  }
  return {
    type,
    returnBit: BigInt(readNumber(`${FOLDER}/${kind}/format/retprobe`) ?? 0),
    counterShift: BigInt(readNumber(`${FOLDER}/${kind}/format/ref_ctr_offset`) ?? 32),
  };
}

/** The first number in a file (`"8"`, `"config:32-63"`), or undefined where there is no such file. */
function readNumber(path: string): number | undefined {
  try {
    const digits = /\d+/.exec(readFileSync(path, "utf8").replace("config", ""));
    return digits === null ? undefined : Number(digits[0]);
  } catch {
    return undefined;
  }
}
