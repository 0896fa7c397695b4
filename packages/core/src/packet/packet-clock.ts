import type { CapturedPacket } from "./captured-packet.js";

/** Below this many units a second the division works on 16-bit digits without leaving a double's 53 bits. */
const EXACT_UNITS = 2 ** 37;

/** Turns the 64-bit timestamps of a pcapng interface into seconds and nanoseconds. */
export class PacketClock {
  /** Units a second. */
  readonly #units: bigint;
  readonly #smallUnits: number;
  /** Nanoseconds a unit, where that is a whole number and the units are few enough; else 0. */
  readonly #unitNs: number;
  readonly #offset: bigint;
  readonly #smallOffset: number;

  /** `resolution` is `if_tsresol`: 10^-n, or 2^-n with the upper bit set. `offset` is in seconds. */
  constructor(resolution: number, offset: bigint) {
    const exponent = BigInt(resolution & 0x7f);
    this.#units = resolution & 0x80 ? 2n ** exponent : 10n ** exponent;
    this.#smallUnits = Number(this.#units);
    this.#unitNs = this.#smallUnits < EXACT_UNITS && 1e9 % this.#smallUnits === 0 ? 1e9 / this.#smallUnits : 0;
    this.#offset = offset;
    this.#smallOffset = Number(offset);
  }

  read(high: number, low: number, packet: CapturedPacket): void {
    const units = this.#smallUnits;
    if (this.#unitNs === 0) {
      const time = (BigInt(high) << 32n) | BigInt(low);
      packet.seconds = Number(time / this.#units + this.#offset);
      packet.nanoseconds = Number(((time % this.#units) * 1_000_000_000n) / this.#units);
      return;
    }
    // Long division, base 65536: every partial dividend stays exact.
    const upper = (high % units) * 65536 + (low >>> 16);
    const lower = (upper % units) * 65536 + (low & 0xffff);
    const quotient = Math.floor(high / units) * 2 ** 32 + Math.floor(upper / units) * 65536 + Math.floor(lower / units);
    packet.seconds = quotient + this.#smallOffset;
    packet.nanoseconds = (lower % units) * this.#unitNs;
  }
}
