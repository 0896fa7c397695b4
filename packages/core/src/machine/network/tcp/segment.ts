import type { Layer } from "../../../packet/index.js";
import { tcpFlags as flagBits, type TcpFlag, tcp } from "../../../packet/index.js";

export { flagBits as tcpFlags };

const HEADER = 20;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
/** The largest shift that a window may have (RFC 7323 section 2.3). */
const MAX_WINDOW_SCALE = 14;

/** A TCP segment that has come in. */
export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** Bits of {@link flagBits}. */
  readonly flags: number;
  /** As it stands in the header, unscaled. */
  readonly window: number;
  /** Bytes of the options. */
  readonly options: Uint8Array;
  readonly data: Uint8Array;
  /** The header, options included. */
  readonly header: Uint8Array;
}

/** A segment that is to go out. */
export interface OutgoingSegment {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  readonly options: Uint8Array;
  readonly data: Uint8Array;
}

/** What the options of a SYN say. */
export interface SynOptions {
  readonly maximumSegment: number | undefined;
  /** Shift of the windows to come; undefined where the sender doesn't scale. */
  readonly windowScale: number | undefined;
}

/** The segment at `from` up to `end`; undefined for one that makes no sense. */
export function readSegment(bytes: Uint8Array, from: number, end: number): Segment | undefined {
  if (from + HEADER > end) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, end - from);
  const header = (view.getUint8(12) >> 4) * 4;
  if (header < HEADER || from + header > end) return undefined;
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgement: view.getUint32(8),
    flags: view.getUint8(13),
    window: view.getUint16(14),
    options: bytes.slice(from + HEADER, from + header),
    data: bytes.slice(from + header, end),
    header: bytes.subarray(from, from + header),
  };
}

/** Sequence numbers that a segment takes: its bytes, and one each for SYN and FIN. */
export function sequenceLength({ flags, data }: Pick<Segment, "flags" | "data">): number {
  return data.length + (flags & flagBits.syn ? 1 : 0) + (flags & flagBits.fin ? 1 : 0);
}

export function readSynOptions(options: Uint8Array): SynOptions {
  let maximumSegment: number | undefined;
  let windowScale: number | undefined;
  for (const { kind, at, length } of eachOption(options)) {
    if (kind === OPTION_MSS && length === 4) maximumSegment = (options[at + 2]! << 8) | options[at + 3]!;
    if (kind === OPTION_WINDOW_SCALE && length === 3) windowScale = Math.min(options[at + 2]!, MAX_WINDOW_SCALE);
  }
  return { maximumSegment, windowScale };
}

/** The options of a SYN: 8 bytes, 4 without a window scale. */
export function writeSynOptions({ maximumSegment, windowScale }: SynOptions): Uint8Array {
  const size = maximumSegment ?? 536;
  const scale = windowScale === undefined ? [] : [OPTION_NOP, OPTION_WINDOW_SCALE, 3, windowScale];
  return Uint8Array.of(OPTION_MSS, 4, size >> 8, size & 0xff, ...scale);
}

/** The options one by one, up to their end or to one that makes no sense: `at` is its kind's offset. */
export function* eachOption(
  options: Uint8Array,
): IterableIterator<{ readonly kind: number; readonly at: number; readonly length: number }> {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!;
    if (kind === OPTION_END) return;
    const length = kind === OPTION_NOP ? 1 : (options[at + 1] ?? 0);
    if (length === 0 || at + length > options.length || (kind !== OPTION_NOP && length < 2)) return;
    if (kind !== OPTION_NOP) yield { kind, at, length };
    at += length;
  }
}

/** The segment's header, for a packet. */
export function segmentLayer(segment: OutgoingSegment, sourcePort: number, destinationPort: number): Layer {
  const names = (Object.keys(flagBits) as TcpFlag[]).filter((name) => segment.flags & flagBits[name]);
  return tcp({
    src: sourcePort,
    dst: destinationPort,
    seq: segment.sequence,
    ack: segment.acknowledgement,
    flags: names,
    window: segment.window,
    options: segment.options,
  });
}
