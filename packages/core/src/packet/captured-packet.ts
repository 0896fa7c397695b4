/**
 * One packet of a capture. A reader hands out the same object again and again: what it holds, and the bytes that it
 * points to, are good until the reader's next call.
 */
export class CapturedPacket {
  /** The memory that the packet lies in. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where it starts in {@link bytes}. */
  offset = 0;
  /** Captured bytes. */
  length = 0;
  /** Bytes on the wire; more than {@link length} when the capture cut the packet. */
  originalLength = 0;
  /** Seconds since the epoch (or since whatever the capturing host took for it). */
  seconds = 0;
  /** Nanoseconds within the second. */
  nanoseconds = 0;
  /** A number of {@link linkTypes}. */
  linkType = 0;
  /** Index of the interface within the pcapng section; 0 in pcap. */
  interfaceIndex = 0;

  /** The captured bytes as a view. Making one costs an allocation, which a hot loop can avoid. */
  get data(): Uint8Array {
    return this.bytes.subarray(this.offset, this.offset + this.length);
  }

  /** Nanoseconds since the epoch. */
  get timestamp(): bigint {
    return BigInt(this.seconds) * 1_000_000_000n + BigInt(this.nanoseconds);
  }
}
