import type { CapturedPacket } from "./captured-packet.js";
import { type CaptureWindow, formatError, MAX_CAPTURED_LENGTH, type RecordFormat } from "./record-format.js";

const FILE_HEADER = 24;
const PACKET_HEADER = 16;

/** What the magic number at the start of a pcap file says; undefined where it is none. */
export function pcapFlavour(magic: number): { littleEndian: boolean; nanosecond: boolean } | undefined {
  switch (magic) {
    case 0xa1b2c3d4:
      return { littleEndian: true, nanosecond: false };
    case 0xd4c3b2a1:
      return { littleEndian: false, nanosecond: false };
    case 0xa1b23c4d:
      return { littleEndian: true, nanosecond: true };
    case 0x4d3cb2a1:
      return { littleEndian: false, nanosecond: true };
    default:
      return undefined;
  }
}

/**
 * The classic format: a file header, then packets.
 *
 *     magic:4 major:2 minor:2 thiszone:4 sigfigs:4 snaplen:4 linktype:4      file header
 *     seconds:4 fraction:4 caplen:4 len:4 bytes...                           each packet
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
 */
export class PcapFormat implements RecordFormat {
  readonly name = "pcap";
  readonly #littleEndian: boolean;
  readonly #fractionToNs: number;
  #headerRead = false;
  #linkType = 0;

  constructor(flavour: { littleEndian: boolean; nanosecond: boolean }) {
    this.#littleEndian = flavour.littleEndian;
    this.#fractionToNs = flavour.nanosecond ? 1 : 1000;
  }

  measure(window: CaptureWindow, at: number, available: number): number {
    if (!this.#headerRead) return FILE_HEADER;
    if (available < PACKET_HEADER) return PACKET_HEADER;
    const length = window.view.getUint32(at + 8, this.#littleEndian);
    if (length > MAX_CAPTURED_LENGTH) {
      throw formatError(
        `a packet of ${length} bytes is over the limit of ${MAX_CAPTURED_LENGTH}`,
        "pcap",
        window,
        at + 8,
      );
    }
    return PACKET_HEADER + length;
  }

  read(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean {
    const { view } = window;
    const little = this.#littleEndian;
    if (!this.#headerRead) {
      this.#readFileHeader(window, at);
      return false;
    }
    packet.bytes = window.bytes;
    packet.offset = at + PACKET_HEADER;
    packet.length = length - PACKET_HEADER;
    packet.seconds = view.getUint32(at, little);
    packet.nanoseconds = view.getUint32(at + 4, little) * this.#fractionToNs;
    // A length on the wire below the captured one is a writer's mistake that libpcap lets pass; so do we.
    packet.originalLength = Math.max(view.getUint32(at + 12, little), packet.length);
    packet.linkType = this.#linkType;
    packet.interfaceIndex = 0;
    return true;
  }

  takeSkip(): number {
    return 0;
  }

  #readFileHeader(window: CaptureWindow, at: number): void {
    const major = window.view.getUint16(at + 4, this.#littleEndian);
    if (major !== 2) throw formatError(`version ${major} of the format isn't known`, "pcap header", window, at + 4);
    // The upper bits say whether and how long a frame check sequence follows each packet.
    this.#linkType = window.view.getUint32(at + 20, this.#littleEndian) & 0x03ffffff;
    this.#headerRead = true;
  }
}
