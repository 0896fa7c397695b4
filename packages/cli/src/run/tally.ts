/** What became of the packets of a run so far. */
export interface Tally {
  packets: number;
  bytes: number;
  /** Frames that the hook cannot take: shorter than an Ethernet header. */
  skipped: number;
  /** Packets by verdict name. */
  readonly verdicts: Map<string, number>;
  /** Packets whose run ended in a fault; they count under their hook's default verdict as well. */
  faults: number;
  /** Time in the program, in nanoseconds. */
  nanoseconds: number;
}

export function createTally(): Tally {
  return { packets: 0, bytes: 0, skipped: 0, verdicts: new Map(), faults: 0, nanoseconds: 0 };
}

/** Verdicts in falling order of their counts; equal counts by name. */
export function rankVerdicts(tally: Tally): [verdict: string, packets: number][] {
  return [...tally.verdicts].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1));
}

export function nanosecondsPerPacket(tally: Tally): number {
  return tally.packets === 0 ? 0 : Math.round((tally.nanoseconds / tally.packets) * 10) / 10;
}
