/** Deterministic pseudo-random numbers (mulberry32), so that a seed names a run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A u32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  }

  /** 0 to `limit - 1`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

declare const process: { env: Record<string, string | undefined> };

/**
 * Calls `round` with a random source of its own seed: `rounds` times from a fixed seed in the tests; for
 * TSBPF_FUZZ_SECONDS seconds in all from a seed of the clock (or TSBPF_FUZZ_SEED) in `npm run fuzz`.
 */
export function fuzz(rounds: number, round: (random: Random, seed: number) => void): void {
  const seconds = Number(process.env.TSBPF_FUZZ_SECONDS ?? 0);
  const first = Number(process.env.TSBPF_FUZZ_SEED ?? (seconds > 0 ? Date.now() % 2 ** 32 : 1));
  const end = performance.now() + seconds * 1000;
  for (let i = 0; seconds > 0 ? performance.now() < end : i < rounds; i++) {
    const seed = (first + i) >>> 0;
    round(new Random(seed), seed);
  }
}
