import type { CapturedPacket } from "./captured-packet.js";
import { type CaptureInterface, readInterface } from "./pcapng-interface.js";
import { type CaptureWindow, formatError, MAX_CAPTURED_LENGTH, type RecordFormat } from "./record-format.js";

export const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BLOCK_OVERHEAD = 12;
/** Blocks that are read in full stay under this; libpcap has the same limit. Others are skipped at any length. */
const MAX_BLOCK_LENGTH = 16 << 20;
const MAX_INTERFACES = 65_536;

/** Least lengths of the blocks that are read, both length fields included. */
const leastLength: ReadonlyMap<number, number> = new Map([
  [SECTION_HEADER, 28],
  [INTERFACE_DESCRIPTION, 20],
  [OBSOLETE_PACKET, 32],
  [SIMPLE_PACKET, 16],
  [ENHANCED_PACKET, 32],
]);

/**
 * The newer format: sections, each with its own byte order and interfaces, made of blocks.
 *
 *     type:4 length:4 body... length:4
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
 */
export class PcapngFormat implements RecordFormat {
  readonly name = "pcapng";
  #littleEndian = true;
  #interfaces: CaptureInterface[] = [];
  #skip = 0;

  measure(window: CaptureWindow, at: number, available: number): number {
    if (available < 12) return 12;
    const type = window.view.getUint32(at, this.#littleEndian);
    const little = type === SECTION_HEADER ? byteOrder(window, at) : this.#littleEndian;
    const length = window.view.getUint32(at + 4, little);
    if (length < BLOCK_OVERHEAD || length % 4 !== 0) {
      throw formatError(`a block cannot have a length of ${length} bytes`, "pcapng", window, at + 4);
    }
    const least = leastLength.get(type);
    // What isn't needed is skipped, not collected: only its first bytes count as the record.
    if (least === undefined) return BLOCK_OVERHEAD;
    if (length < least) throw formatError(`a block of type ${type} needs ${least} bytes`, "pcapng", window, at + 4);
    if (length > MAX_BLOCK_LENGTH) {
      throw formatError(
        `a block of ${length} bytes is over the limit of ${MAX_BLOCK_LENGTH}`,
        "pcapng",
        window,
        at + 4,
      );
    }
    return length;
  }

  read(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean {
    const { view } = window;
    const type = view.getUint32(at, this.#littleEndian);
    if (!leastLength.has(type)) {
      this.#skip = view.getUint32(at + 4, this.#littleEndian) - BLOCK_OVERHEAD;
      return false;
    }
    if (type === SECTION_HEADER) this.#littleEndian = byteOrder(window, at);
    if (view.getUint32(at + length - 4, this.#littleEndian) !== length) {
      throw formatError("the lengths at a block's start and end differ", "pcapng", window, at + length - 4);
    }
    switch (type) {
      case ENHANCED_PACKET:
        return this.#readEnhancedPacket(window, at, length, packet);
      case SIMPLE_PACKET:
        return this.#readSimplePacket(window, at, length, packet);
      case OBSOLETE_PACKET:
        return this.#readObsoletePacket(window, at, length, packet);
      case INTERFACE_DESCRIPTION:
        this.#readInterface(window, at, length);
        return false;
      default:
        this.#startSection(window, at);
        return false;
    }
  }

  takeSkip(): number {
    const skip = this.#skip;
    this.#skip = 0;
    return skip;
  }

  #startSection(window: CaptureWindow, at: number): void {
    const major = window.view.getUint16(at + 12, this.#littleEndian);
    if (major !== 1) throw formatError(`version ${major} of the format isn't known`, "pcapng", window, at + 12);
    this.#interfaces = [];
  }

  #readInterface(window: CaptureWindow, at: number, length: number): void {
    if (this.#interfaces.length === MAX_INTERFACES) {
      throw formatError(`more than ${MAX_INTERFACES} interfaces in a section`, "pcapng", window, at);
    }
    this.#interfaces.push(readInterface(window, at + 8, at + length - 4, this.#littleEndian));
  }

  /** interface:4 high:4 low:4 caplen:4 len:4 bytes... options... */
  #readEnhancedPacket(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean {
    const { view } = window;
    const little = this.#littleEndian;
    const from = this.#interface(view.getUint32(at + 8, little), window, at + 8, packet);
    from.clock.read(view.getUint32(at + 12, little), view.getUint32(at + 16, little), packet);
    packet.originalLength = view.getUint32(at + 24, little);
    return this.#takeBytes(window, at + 28, view.getUint32(at + 20, little), at + length - 4, packet);
  }

  /** interface:2 drops:2, then as in an enhanced packet. */
  #readObsoletePacket(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean {
    const { view } = window;
    const little = this.#littleEndian;
    const from = this.#interface(view.getUint16(at + 8, little), window, at + 8, packet);
    from.clock.read(view.getUint32(at + 12, little), view.getUint32(at + 16, little), packet);
    packet.originalLength = view.getUint32(at + 24, little);
    return this.#takeBytes(window, at + 28, view.getUint32(at + 20, little), at + length - 4, packet);
  }

  /** len:4 bytes...: the interface is the first, there is no time, the captured length follows from the snap length. */
  #readSimplePacket(window: CaptureWindow, at: number, length: number, packet: CapturedPacket): boolean {
    const from = this.#interface(0, window, at, packet);
    packet.seconds = 0;
    packet.nanoseconds = 0;
    packet.originalLength = window.view.getUint32(at + 8, this.#littleEndian);
    const captured = Math.min(packet.originalLength, from.snapLength === 0 ? Number.MAX_VALUE : from.snapLength);
    return this.#takeBytes(window, at + 12, captured, at + length - 4, packet);
  }

  #interface(index: number, window: CaptureWindow, at: number, packet: CapturedPacket): CaptureInterface {
    const found = this.#interfaces[index];
    if (found === undefined) {
      throw formatError(`a packet of interface ${index}, which isn't described`, "pcapng", window, at);
    }
    packet.interfaceIndex = index;
    packet.linkType = found.linkType;
    return found;
  }

  #takeBytes(window: CaptureWindow, at: number, captured: number, end: number, packet: CapturedPacket): boolean {
    if (captured > end - at || captured > MAX_CAPTURED_LENGTH) {
      throw formatError(`a packet of ${captured} bytes in a block with ${end - at}`, "pcapng", window, at);
    }
    packet.bytes = window.bytes;
    packet.offset = at;
    packet.length = captured;
    packet.originalLength = Math.max(packet.originalLength, captured);
    return true;
  }
}

function byteOrder(window: CaptureWindow, at: number): boolean {
  const magic = window.view.getUint32(at + 8, true);
  if (magic === 0x1a2b3c4d) return true;
  if (magic === 0x4d3c2b1a) return false;
  throw formatError("a section without a byte-order magic", "pcapng", window, at + 8);
}
