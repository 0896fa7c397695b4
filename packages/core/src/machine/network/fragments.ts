import { addToChecksum, foldChecksum } from "../../packet/index.js";
import { type IpFamily, ipv6Family } from "./ip-family.js";
import { ETH_HLEN, type IpPacket, readPacket } from "./ip-packet.js";

/** Nanoseconds for which pieces wait for the others (net.ipv4.ipfrag_time). */
const PATIENCE = 30_000_000_000;
/** Packets of which pieces wait at most; then the oldest goes. */
const WAITING_LIMIT = 64;
const LARGEST = 65_535;
const IPPROTO_FRAGMENT = 44;
const FRAGMENT_HEADER = 8;
const MORE_V4 = 0x2000;
const OFFSET_MASK = 0x1fff;
const UNIT = 8;

/** Where a piece belongs. */
interface Piece {
  readonly identification: number;
  readonly offset: number;
  readonly more: boolean;
  readonly protocol: number;
  readonly data: Uint8Array;
}

interface Waiting {
  readonly since: number;
  readonly pieces: Map<number, Uint8Array>;
  /** The headers of the first piece. */
  head: IpPacket | undefined;
  length: number | undefined;
  bytes: number;
}

/** Puts packets together again that came in pieces. */
export class Fragments {
  readonly #waiting = new Map<string, Waiting>();

  /** The whole packet that `packet` completes; itself where it is no piece; undefined while others are missing. */
  add(packet: IpPacket, now: number): IpPacket | undefined {
    const piece = pieceOf(packet);
    if (piece === undefined) return packet;
    const { family, source, destination } = packet;
    const { identification, protocol, offset, data } = piece;
    const key = `${family.format(source)} ${family.format(destination)} ${protocol} ${identification}`;
    for (const [other, { since }] of this.#waiting) if (now - since > PATIENCE) this.#waiting.delete(other);
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      if (this.#waiting.size >= WAITING_LIMIT) this.#waiting.delete(this.#waiting.keys().next().value!);
      waiting = { since: now, pieces: new Map(), head: undefined, length: undefined, bytes: 0 };
      this.#waiting.set(key, waiting);
    }
    // All but the last have whole units; a piece that overlaps makes the whole packet worthless (RFC 5722).
    const isWrong =
      offset + data.length > LARGEST ||
      (piece.more && data.length % UNIT !== 0) ||
      overlaps(waiting.pieces, offset, data.length);
    if (isWrong) {
      this.#waiting.delete(key);
      return undefined;
    }
    waiting.pieces.set(offset, data);
    waiting.bytes += data.length;
    if (offset === 0) waiting.head = packet;
    if (!piece.more) waiting.length = offset + data.length;
    if (waiting.head === undefined || waiting.bytes !== waiting.length) return undefined;
    this.#waiting.delete(key);
    return whole(waiting.head, waiting, protocol);
  }
}

/**
 * The pieces of a packet (behind room for an Ethernet header) that fit into `mtu` bytes. One of IPv4 that has a number keeps
 * it, and one that is a piece itself is cut further.
 */
export function fragment(family: IpFamily, bytes: Uint8Array, mtu: number, identification: number): Uint8Array[] {
  const isV6 = family.version === 6;
  const header = isV6 ? family.headerLength : (bytes[ETH_HLEN]! & 0xf) * 4;
  const extra = isV6 ? FRAGMENT_HEADER : 0;
  const room = Math.floor((mtu - header - extra) / UNIT) * UNIT;
  const data = bytes.subarray(ETH_HLEN + header);
  const before = new DataView(bytes.buffer, bytes.byteOffset);
  const field = isV6 ? 0 : before.getUint16(ETH_HLEN + 6);
  const number = isV6 ? identification : before.getUint16(ETH_HLEN + 4) || identification;
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < data.length; offset += room) {
    const part = data.subarray(offset, offset + room);
    const piece = new Uint8Array(ETH_HLEN + header + extra + part.length);
    piece.set(bytes.subarray(0, ETH_HLEN + header));
    piece.set(part, ETH_HLEN + header + extra);
    const view = new DataView(piece.buffer);
    const more = offset + part.length < data.length || (field & MORE_V4) !== 0;
    if (isV6) {
      piece[ETH_HLEN + header] = bytes[ETH_HLEN + family.protocolAt]!;
      piece[ETH_HLEN + family.protocolAt] = IPPROTO_FRAGMENT;
      view.setUint16(ETH_HLEN + header + 2, offset | (more ? 1 : 0));
      view.setUint32(ETH_HLEN + header + 4, number);
      view.setUint16(ETH_HLEN + 4, FRAGMENT_HEADER + part.length);
    } else {
      view.setUint16(ETH_HLEN + 2, header + part.length);
      view.setUint16(ETH_HLEN + 4, number);
      view.setUint16(ETH_HLEN + 6, ((field & OFFSET_MASK) + offset / UNIT) | (more ? MORE_V4 : 0));
      checksumHeader(piece, header);
    }
    pieces.push(piece);
  }
  return pieces;
}

/** May routers cut it into pieces? Those of IPv6 never do. */
export function mayFragment({ family, bytes }: IpPacket): boolean {
  return family.version === 4 && (bytes[ETH_HLEN + 6]! & 0x40) === 0;
}

function pieceOf({ family, bytes, payload, end, protocol }: IpPacket): Piece | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (family.version === 4) {
    const field = view.getUint16(ETH_HLEN + 6);
    const [offset, more] = [(field & OFFSET_MASK) * UNIT, (field & MORE_V4) !== 0];
    if (offset === 0 && !more) return undefined;
    return { identification: view.getUint16(ETH_HLEN + 4), offset, more, protocol, data: bytes.slice(payload, end) };
  }
  if (protocol !== IPPROTO_FRAGMENT || payload + FRAGMENT_HEADER > end) return undefined;
  const field = view.getUint16(payload + 2);
  return {
    identification: view.getUint32(payload + 4),
    offset: field & ~7,
    more: (field & 1) !== 0,
    protocol: bytes[payload]!,
    data: bytes.slice(payload + FRAGMENT_HEADER, end),
  };
}

function overlaps(pieces: ReadonlyMap<number, Uint8Array>, offset: number, length: number): boolean {
  for (const [at, { length: size }] of pieces) if (offset < at + size && at < offset + length) return true;
  return false;
}

function whole(head: IpPacket, { pieces, length = 0 }: Waiting, protocol: number): IpPacket | undefined {
  const { family, bytes, device, payload } = head;
  const merged = new Uint8Array(payload + length);
  merged.set(bytes.subarray(0, payload));
  for (const [offset, data] of pieces) merged.set(data, payload + offset);
  const view = new DataView(merged.buffer);
  if (family === ipv6Family) {
    merged[ETH_HLEN + family.protocolAt] = protocol;
    view.setUint16(ETH_HLEN + 4, length);
  } else {
    view.setUint16(ETH_HLEN + 2, payload - ETH_HLEN + length);
    view.setUint16(ETH_HLEN + 6, 0);
    checksumHeader(merged, payload - ETH_HLEN);
  }
  return readPacket(family, merged, device);
}

function checksumHeader(bytes: Uint8Array, header: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint16(ETH_HLEN + 10, 0);
  view.setUint16(ETH_HLEN + 10, foldChecksum(addToChecksum(0, bytes, ETH_HLEN, ETH_HLEN + header)));
}
