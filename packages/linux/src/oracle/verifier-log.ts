/** Numbers that the verifier prints at the end of its log (log level 4). Absent where it did not get that far. */
export interface VerifierStatistics {
  /** Microseconds. */
  readonly verificationUs?: number | undefined;
  /** Bytes of stack of the program and each subprogram. */
  readonly stackDepths?: readonly number[] | undefined;
  /** Instructions processed, counted on every path. */
  readonly processed?: number | undefined;
  readonly maxStatesPerInsn?: number | undefined;
  readonly totalStates?: number | undefined;
  readonly peakStates?: number | undefined;
}

const statisticsLine = /^(verification time |stack depth |processed \d+ insns)/;

/** Reads the statistics at the end of a kernel verifier log. */
export function parseVerifierStatistics(log: string): VerifierStatistics {
  const tail = log.slice(-1024);
  const totals = /processed (\d+) insns .*?max_states_per_insn (\d+) total_states (\d+) peak_states (\d+)/.exec(tail);
  const time = /verification time (\d+) usec/.exec(tail);
  const stack = /stack depth ([\d+]+)/.exec(tail);
  return {
    verificationUs: numberOf(time?.[1]),
    stackDepths: stack?.[1]?.split("+").map(Number),
    processed: numberOf(totals?.[1]),
    maxStatesPerInsn: numberOf(totals?.[2]),
    totalStates: numberOf(totals?.[3]),
    peakStates: numberOf(totals?.[4]),
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Some messages lack the end of their line, so that the statistics follow in it. */
const trailingTime = /verification time \d+ usec$/;

/**
 * The log's last line that is neither statistics nor source code: of a rejected program, the reason. Where no steps are
 * logged, the kernel prints the source line after the reason.
 */
export function lastMessage(log: string): string {
  const lines = log.split("\n");
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i]!;
    if (line !== "" && !statisticsLine.test(line) && !line.startsWith("; ")) return line.replace(trailingTime, "");
  }
  return "";
}
