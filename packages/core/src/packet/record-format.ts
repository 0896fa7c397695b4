import { FormatError } from "../base/index.js";
import type { CapturedPacket } from "./captured-packet.js";

/** Captured bytes of one packet at most, as in libpcap: what claims more is damage or malice. */
export const MAX_CAPTURED_LENGTH = 262_144;

/** A stretch of the capture file. */
export class CaptureWindow {
  bytes: Uint8Array;
  view: DataView;
  /** Offset in the file of byte 0 of {@link bytes}. */
  fileOffset: number;

  constructor(bytes: Uint8Array, fileOffset: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fileOffset = fileOffset;
  }
}

/** How a capture file divides into records: pcap's headers and packets, pcapng's blocks. */
export interface RecordFormat {
  /** `"pcap"` or `"pcapng"`. */
  readonly name: string;
  /**
   * Bytes of the record at `at`; where `available` bytes are too few to tell, as many as are needed to learn more.
   *
   * @throws FormatError for a length that cannot be.
   */
  measure(window: CaptureWindow, at: number, available: number): number;
  /** Takes a record that is there in full; true if it was a packet. @throws FormatError */
  read(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean;
  /** Bytes after the record just read that nobody wants; they are dropped without being collected. */
  takeSkip(): number;
}

/** A FormatError at byte `at` of `window`, said as an offset in the file. */
export function formatError(message: string, section: string, window: CaptureWindow, at: number): FormatError {
  return new FormatError(message, { section, offset: window.fileOffset + at });
}
