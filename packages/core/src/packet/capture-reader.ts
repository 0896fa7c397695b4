import { FormatError } from "../base/index.js";
import { CapturedPacket } from "./captured-packet.js";
import { PcapFormat, pcapFlavour } from "./pcap-format.js";
import { PcapngFormat, SECTION_HEADER } from "./pcapng-format.js";
import { CaptureWindow, formatError, type RecordFormat } from "./record-format.js";

/**
 * Reads pcap and pcapng, whichever comes, from chunks of any size in constant memory.
 *
 *     for await (const chunk of file) {
 *       reader.push(chunk);
 *       for (let packet = reader.next(); packet !== undefined; packet = reader.next()) use(packet);
 *     }
 *     reader.end();
 *
 * Packets are views into the chunk; only one that straddles two chunks is copied. Damage in the input is a FormatError
 * whose offset is the byte in the file; the packets before it have been handed out by then.
 */
export class CaptureReader {
  readonly #packet = new CapturedPacket();
  #format: RecordFormat | undefined;
  #chunk = new CaptureWindow(new Uint8Array(0), 0);
  /** Next byte of the chunk. */
  #at = 0;
  /** The start of a record whose rest is in chunks to come. */
  #held = new CaptureWindow(new Uint8Array(4096), 0);
  #heldLength = 0;
  #skip = 0;

  /** `"pcap"` or `"pcapng"`, once the first bytes are in. */
  get format(): string | undefined {
    return this.#format?.name;
  }

  /** Bytes of the file that have been pushed so far. */
  get bytesPushed(): number {
    return this.#chunk.fileOffset + this.#chunk.bytes.length;
  }

  /**
   * The next piece of the file. It must not change until `next()` has returned undefined.
   *
   * @throws RangeError when the chunk before it has packets left to read.
   */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.bytes.length) throw new RangeError("the chunk before has not been read to its end");
    this.#chunk = new CaptureWindow(chunk, this.bytesPushed);
    this.#at = 0;
  }

  /**
   * The next packet, or undefined when the pushed bytes hold no further one. It is the same object each time, good until
   * the next call.
   *
   * @throws FormatError for damaged input; the reader is of no use after that.
   */
  next(): CapturedPacket | undefined {
    for (;;) {
      if (this.#skip > 0 && !this.#skipBytes()) return undefined;
      if (this.#heldLength > 0) {
        const taken = this.#completeHeld();
        if (taken === "more") return undefined;
        if (taken === "packet") return this.#packet;
        continue;
      }
      const available = this.#chunk.bytes.length - this.#at;
      if (available === 0) return undefined;
      const needed = this.#measure(this.#chunk, this.#at, available);
      if (needed > available) {
        this.#hold(available, needed);
        return undefined;
      }
      const at = this.#at;
      this.#at += needed;
      if (this.#read(this.#chunk, at, needed)) return this.#packet;
    }
  }

  /** To be called after the last chunk. @throws FormatError when the file ends within a record, or has no header. */
  end(): void {
    const offset = this.bytesPushed;
    if (this.#heldLength > 0 || this.#skip > 0) {
      const what =
        this.#format === undefined ? "the file's header" : `a record that began at byte ${this.#held.fileOffset}`;
      throw new FormatError(`the file ends within ${what}`, { section: this.format, offset });
    }
    if (this.#format === undefined) throw new FormatError("an empty file is no capture", { offset: 0 });
  }

  #measure(window: CaptureWindow, at: number, available: number): number {
    if (this.#format === undefined) {
      if (available < 4) return 4;
      this.#format = detectFormat(window, at);
    }
    return this.#format.measure(window, at, available);
  }

  #read(window: CaptureWindow, at: number, length: number): boolean {
    const isPacket = this.#format!.read(window, at, length, this.#packet);
    this.#skip = this.#format!.takeSkip();
    return isPacket;
  }

  /** False while there is more to skip than the chunk has. */
  #skipBytes(): boolean {
    const step = Math.min(this.#skip, this.#chunk.bytes.length - this.#at);
    this.#at += step;
    this.#skip -= step;
    return this.#skip === 0;
  }

  #hold(available: number, needed: number): void {
    this.#reserve(needed);
    this.#held.fileOffset = this.#chunk.fileOffset + this.#at;
    this.#append(available);
  }

  /** Fills up the held record from the chunk, and reads it when it is whole. */
  #completeHeld(): "more" | "packet" | "other" {
    for (;;) {
      const needed = this.#measure(this.#held, 0, this.#heldLength);
      const missing = needed - this.#heldLength;
      if (missing <= 0) {
        // Never less than nothing: a format asks for more as it learns more, not for less.
        this.#heldLength = 0;
        return this.#read(this.#held, 0, needed) ? "packet" : "other";
      }
      const available = this.#chunk.bytes.length - this.#at;
      if (available === 0) return "more";
      this.#reserve(needed);
      this.#append(Math.min(missing, available));
    }
  }

  #append(length: number): void {
    this.#held.bytes.set(this.#chunk.bytes.subarray(this.#at, this.#at + length), this.#heldLength);
    this.#heldLength += length;
    this.#at += length;
  }

  #reserve(length: number): void {
    if (this.#held.bytes.length >= length) return;
    const larger = new CaptureWindow(
      new Uint8Array(Math.max(length, this.#held.bytes.length * 2)),
      this.#held.fileOffset,
    );
    larger.bytes.set(this.#held.bytes.subarray(0, this.#heldLength));
    this.#held = larger;
  }
}

function detectFormat(window: CaptureWindow, at: number): RecordFormat {
  const magic = window.view.getUint32(at, true);
  if (magic === SECTION_HEADER) return new PcapngFormat();
  const flavour = pcapFlavour(magic);
  if (flavour !== undefined) return new PcapFormat(flavour);
  throw formatError(`no capture file: ${describeMagic(magic)}`, "header", window, at);
}

function describeMagic(magic: number): string {
  if ((magic & 0xffff) === 0x8b1f) return "it is compressed with gzip";
  if (magic === 0xfd2fb528) return "it is compressed with zstd";
  if (magic === 0x464c457f) return "it is an ELF file";
  if (magic === 0xa1b2cd34 || magic === 0x34cdb2a1) return "it is Kuznetsov's variant of pcap";
  return `it starts with 0x${magic.toString(16).padStart(8, "0")}, which is neither pcap nor pcapng`;
}
