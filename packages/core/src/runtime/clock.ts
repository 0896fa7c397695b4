/** Nanoseconds as programs see them; whole numbers below 2^53. */
export interface Clock {
  /** Since boot, not counting suspended time (CLOCK_MONOTONIC). */
  monotonic(): number;
  /** Since boot, counting suspended time (CLOCK_BOOTTIME). */
  boottime(): number;
  /** International atomic time since 1970 (CLOCK_TAI). */
  tai(): bigint;
}

/** A clock that stands still until the caller moves it, so that a run repeats exactly. */
export class ManualClock implements Clock {
  #now: number;
  /** Nanoseconds that the machine was suspended. */
  suspended = 0;
  /** International atomic time of the moment of boot, in nanoseconds since 1970. */
  bootedAt: bigint;

  /** @param now nanoseconds since boot at first, 1 second by default: programs take 0 for "never". */
  constructor(now = 1_000_000_000, bootedAt = 1_700_000_000_000_000_000n) {
    this.#now = now;
    this.bootedAt = bootedAt;
  }

  monotonic(): number {
    return this.#now;
  }

  boottime(): number {
    return this.#now + this.suspended;
  }

  tai(): bigint {
    return this.bootedAt + BigInt(this.boottime());
  }

  /** @throws RangeError for less than nothing: monotonic clocks don't go back. */
  advance(nanoseconds: number): void {
    if (!(nanoseconds >= 0)) throw new RangeError(`a clock can't advance by ${nanoseconds} ns`);
    this.#now = Math.floor(this.#now + nanoseconds);
  }

  /** @throws RangeError for a time before the present one. */
  set(nanoseconds: number): void {
    this.advance(nanoseconds - this.#now);
  }
}

const performanceClock = (globalThis as unknown as { performance: { now(): number; timeOrigin: number } }).performance;
/** Leap seconds between UTC and international atomic time since 2017. */
const TAI_OFFSET_NS = 37_000_000_000n;

/** The clock of the machine that this runs on, as precise as the JavaScript engine lets it be. */
export class SystemClock implements Clock {
  monotonic(): number {
    return Math.floor(performanceClock.now() * 1e6);
  }

  boottime(): number {
    return this.monotonic();
  }

  tai(): bigint {
    return BigInt(Math.floor(performanceClock.timeOrigin * 1e6)) + BigInt(this.monotonic()) + TAI_OFFSET_NS;
  }
}
