import { linkTypes } from "./link-type.js";
import { MAX_CAPTURED_LENGTH } from "./record-format.js";

/** Choices for a {@link PcapWriter}. */
export interface PcapWriterOptions {
  /** A number of {@link linkTypes}; Ethernet by default. */
  readonly linkType?: number | undefined;
  /** Nanoseconds in the timestamps instead of microseconds. Tools since libpcap 1.5 read them. */
  readonly nanosecond?: boolean | undefined;
  /** Bytes of a packet at most; longer ones are cut. 262144 by default. */
  readonly snapLength?: number | undefined;
}

const CHUNK = 65_536;
const PACKET_HEADER = 16;

/**
 * Writes a little-endian pcap file, in chunks handed to `sink`, which owns them. The first has the file header, so that
 * a capture of nothing is a valid file as well. Nothing is complete before `end()`.
 */
export class PcapWriter {
  /** Packets written. */
  packets = 0;
  readonly #sink: (chunk: Uint8Array) => void;
  readonly #snapLength: number;
  readonly #nsToFraction: number;
  #bytes = new Uint8Array(CHUNK);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  constructor(sink: (chunk: Uint8Array) => void, options: PcapWriterOptions = {}) {
    this.#sink = sink;
    this.#snapLength = Math.min(options.snapLength ?? MAX_CAPTURED_LENGTH, MAX_CAPTURED_LENGTH);
    this.#nsToFraction = options.nanosecond ? 1 : 1000;
    this.#view.setUint32(0, options.nanosecond ? 0xa1b23c4d : 0xa1b2c3d4, true);
    this.#view.setUint16(4, 2, true);
    this.#view.setUint16(6, 4, true);
    this.#view.setUint32(16, this.#snapLength, true);
    this.#view.setUint32(20, options.linkType ?? linkTypes.ethernet, true);
    this.#length = 24;
  }

  /** Appends a packet; its bytes are copied. `originalLength` is its length on the wire, where the data were cut before. */
  write(data: Uint8Array, seconds: number, nanoseconds: number, originalLength: number = data.length): void {
    const length = Math.min(data.length, this.#snapLength);
    if (this.#length + PACKET_HEADER + length > this.#bytes.length) this.#flush(PACKET_HEADER + length);
    const at = this.#length;
    this.#view.setUint32(at, seconds, true);
    this.#view.setUint32(at + 4, Math.floor(nanoseconds / this.#nsToFraction), true);
    this.#view.setUint32(at + 8, length, true);
    this.#view.setUint32(at + 12, Math.max(originalLength, data.length), true);
    this.#bytes.set(length === data.length ? data : data.subarray(0, length), at + PACKET_HEADER);
    this.#length = at + PACKET_HEADER + length;
    this.packets++;
  }

  /** Hands out what is left. The writer takes no packets after that. */
  end(): void {
    this.#flush(0);
  }

  #flush(room: number): void {
    if (this.#length > 0) this.#sink(this.#bytes.subarray(0, this.#length));
    this.#bytes = new Uint8Array(room === 0 ? 0 : Math.max(room, CHUNK));
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
  }
}
