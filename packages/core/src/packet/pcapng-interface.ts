import { decodeText } from "../base/index.js";
import { PacketClock } from "./packet-clock.js";
import { type CaptureWindow, formatError } from "./record-format.js";

const OPTION_END = 0;
const OPTION_IF_NAME = 2;
const OPTION_IF_TSRESOL = 9;
const OPTION_IF_TSOFFSET = 14;

/** An interface that packets of a pcapng section were captured on. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Captured bytes at most; 0 for no limit. */
  readonly snapLength: number;
  readonly name: string | undefined;
  readonly clock: PacketClock;
}

/** An interface description block's body, from `at` to `end`: linktype:2 reserved:2 snaplen:4 options... */
export function readInterface(window: CaptureWindow, at: number, end: number, littleEndian: boolean): CaptureInterface {
  const { view, bytes } = window;
  let resolution = 6;
  let offset = 0n;
  let name: string | undefined;
  for (let option = at + 8; end - option >= 4; ) {
    const code = view.getUint16(option, littleEndian);
    const length = view.getUint16(option + 2, littleEndian);
    const value = option + 4;
    if (code === OPTION_END) break;
    if (length > end - value) throw formatError(`option ${code} is longer than its block`, "pcapng", window, option);
    if (code === OPTION_IF_NAME) name = decodeText(bytes.subarray(value, value + length));
    if (code === OPTION_IF_TSRESOL && length >= 1) resolution = bytes[value]!;
    if (code === OPTION_IF_TSOFFSET && length >= 8) offset = view.getBigInt64(value, littleEndian);
    option = value + Math.ceil(length / 4) * 4;
  }
  // Decimal resolutions beyond 10^-19 and binary ones beyond 2^-63 make every timestamp 0 seconds: a damaged byte.
  if ((resolution & 0x7f) > (resolution & 0x80 ? 63 : 19)) {
    throw formatError(`a timestamp resolution of ${resolution}`, "pcapng", window, at);
  }
  return {
    linkType: view.getUint16(at, littleEndian),
    snapLength: view.getUint32(at + 4, littleEndian),
    name,
    clock: new PacketClock(resolution, offset),
  };
}
