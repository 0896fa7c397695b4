const MS = 1_000_000;
/** Time until the first retransmission, before anything was measured (RFC 6298 section 2). */
export const INITIAL_TIMEOUT = 1000 * MS;
/** TCP_RTO_MIN and TCP_RTO_MAX. */
const MINIMUM = 200 * MS;
const MAXIMUM = 120_000 * MS;
const NS_PER_US = 1000;

/** The estimate of how long an answer takes, and the time after which a segment counts as lost (RFC 6298). */
export class RoundTripTime {
  /** Smoothed, and its variation, in nanoseconds; 0 before the first sample. */
  smoothed = 0;
  variation = 0;
  /** The least that was measured, in microseconds. */
  minimum = 0xffff_ffff;
  #timeout = INITIAL_TIMEOUT;
  #backoff = 0;

  /** Nanoseconds after which to send again. */
  get timeout(): number {
    return Math.min(this.#timeout * 2 ** this.#backoff, MAXIMUM);
  }

  /** Sets the time to wait as long as nothing was measured. */
  set initial(nanoseconds: number) {
    this.#timeout = nanoseconds;
  }

  /** Eight times the smoothed one in microseconds, as the kernel keeps it. */
  get scaled(): number {
    return Math.floor((this.smoothed * 8) / NS_PER_US);
  }

  sample(nanoseconds: number): void {
    // The kernel counts in microseconds, and takes less than one for one.
    const measured = Math.max(nanoseconds, NS_PER_US);
    this.minimum = Math.min(this.minimum, Math.floor(measured / NS_PER_US));
    if (this.smoothed === 0) {
      this.smoothed = measured;
      this.variation = measured / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - measured) - this.variation) / 4;
      this.smoothed += (measured - this.smoothed) / 8;
    }
    this.#timeout = Math.min(MAXIMUM, this.smoothed + Math.max(MINIMUM, 4 * this.variation));
  }

  /** A retransmission has timed out: wait twice as long. */
  backOff(): void {
    this.#backoff++;
  }

  /** Something new was acknowledged. */
  answered(): void {
    this.#backoff = 0;
  }
}
