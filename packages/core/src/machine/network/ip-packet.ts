import { addToChecksum, foldChecksum } from "../../packet/index.js";
import type { Device } from "./device.js";
import type { IpFamily } from "./ip-family.js";

export const ETH_HLEN = 14;

/** An IP packet within its frame: offsets in `bytes`. */
export interface IpPacket {
  readonly family: IpFamily;
  readonly bytes: Uint8Array;
  readonly device: Device;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** Start and end of what it carries. */
  readonly payload: number;
  readonly end: number;
}

/** The packet in a frame's bytes; undefined for one that makes no sense. */
export function readPacket(family: IpFamily, bytes: Uint8Array, device: Device): IpPacket | undefined {
  const { headerLength, addressLength } = family;
  if (bytes.length < ETH_HLEN + headerLength || bytes[ETH_HLEN]! >> 4 !== family.version) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let header = headerLength;
  let length = view.getUint16(ETH_HLEN + 4) + headerLength;
  if (family.version === 4) {
    header = (bytes[ETH_HLEN]! & 0xf) * 4;
    length = view.getUint16(ETH_HLEN + 2);
    if (header < headerLength || ETH_HLEN + header > bytes.length) return undefined;
    if (foldChecksum(addToChecksum(0, bytes, ETH_HLEN, ETH_HLEN + header)) !== 0) return undefined;
  }
  if (length < header || ETH_HLEN + length > bytes.length) return undefined;
  const address = (at: number) => bytes.slice(ETH_HLEN + at, ETH_HLEN + at + addressLength);
  return {
    family,
    bytes,
    device,
    source: address(family.sourceAt),
    destination: address(family.destinationAt),
    protocol: bytes[ETH_HLEN + family.protocolAt]!,
    payload: ETH_HLEN + header,
    end: ETH_HLEN + length,
  };
}

/** The Internet checksum over a pseudo header and `bytes`: 0 where the one in `bytes` is right. */
export function pseudoChecksum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  bytes: Uint8Array,
): number {
  const sum = addToChecksum(addToChecksum(protocol + bytes.length, source), destination);
  return foldChecksum(addToChecksum(sum, bytes));
}
