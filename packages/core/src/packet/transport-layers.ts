import { BpfError, ByteWriter } from "../base/index.js";
import { addToChecksum, foldChecksum, internetChecksum } from "./internet-checksum.js";
import { ipProtocols } from "./ip-layers.js";
import type { Layer, LayerPlace } from "./layer.js";

/** TCP flags by name, and their bit in the header. */
export const tcpFlags = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** A flag of a TCP header. */
export type TcpFlag = keyof typeof tcpFlags;

/** What {@link tcp} can be told. */
export interface TcpOptions {
  /** Source port. */
  src: number;
  /** Destination port. */
  dst: number;
  seq?: number;
  ack?: number;
  flags?: readonly TcpFlag[];
  window?: number;
  urgent?: number;
  /** Option bytes; padded with zeros to a multiple of 4. */
  options?: Uint8Array;
  /** A checksum to claim. */
  checksum?: number;
}

/** A TCP header, with the checksum over pseudo header and payload. */
export function tcp(header: TcpOptions): Layer {
  const options = header.options ?? new Uint8Array(0);
  const headerLength = 20 + Math.ceil(options.length / 4) * 4;
  if (headerLength > 60) throw new BpfError("VALUE", `TCP options of ${options.length} bytes do not fit`);
  return {
    ipProtocol: ipProtocols.tcp,
    encode(payload, place) {
      const flags = (header.flags ?? ["ack"]).reduce((bits, flag) => bits | tcpFlags[flag], 0);
      const writer = new ByteWriter({ littleEndian: false, capacity: headerLength + payload.length });
      writer.u16(header.src).u16(header.dst);
      writer.u32(header.seq ?? 0).u32(header.ack ?? 0);
      writer
        .u8((headerLength / 4) << 4)
        .u8(flags)
        .u16(header.window ?? 65_535);
      writer
        .u16(0)
        .u16(header.urgent ?? 0)
        .raw(options)
        .align(4)
        .raw(payload);
      const bytes = writer.finish();
      return setChecksum(bytes, 16, header.checksum ?? transportChecksum(bytes, ipProtocols.tcp, place));
    },
  };
}

/** A UDP header. A computed checksum of 0 is sent as 0xffff; `checksum: 0` sends none. @see RFC 768 */
export function udp(header: { src: number; dst: number; checksum?: number; length?: number }): Layer {
  return {
    ipProtocol: ipProtocols.udp,
    encode(payload, place) {
      const writer = new ByteWriter({ littleEndian: false, capacity: 8 + payload.length });
      writer.u16(header.src).u16(header.dst);
      writer
        .u16(header.length ?? 8 + payload.length)
        .u16(0)
        .raw(payload);
      const bytes = writer.finish();
      return setChecksum(bytes, 6, header.checksum ?? (transportChecksum(bytes, ipProtocols.udp, place) || 0xffff));
    },
  };
}

/** What {@link icmp} and {@link icmpv6} can be told; `rest` is the second word of the header. */
export interface IcmpOptions {
  type: number;
  code?: number;
  rest?: number;
  /** A checksum to claim. */
  checksum?: number;
}

/** The second word of an echo request or reply. */
export function echo(identifier: number, sequence: number): number {
  return ((identifier << 16) | (sequence & 0xffff)) >>> 0;
}

/** An ICMP header; type 8 is an echo request, 0 its reply. */
export function icmp(header: IcmpOptions): Layer {
  return {
    ipProtocol: ipProtocols.icmp,
    encode(payload) {
      const bytes = icmpBytes(header, payload);
      return setChecksum(bytes, 2, header.checksum ?? internetChecksum(bytes));
    },
  };
}

/** An ICMPv6 header; type 128 is an echo request, 129 its reply, 135 and 136 are neighbour discovery's. */
export function icmpv6(header: IcmpOptions): Layer {
  return {
    ipProtocol: ipProtocols.icmpv6,
    encode(payload, place) {
      const bytes = icmpBytes(header, payload);
      return setChecksum(bytes, 2, header.checksum ?? transportChecksum(bytes, ipProtocols.icmpv6, place));
    },
  };
}

function icmpBytes(header: IcmpOptions, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter({ littleEndian: false, capacity: 8 + payload.length });
  writer
    .u8(header.type)
    .u8(header.code ?? 0)
    .u16(0)
    .u32(header.rest ?? 0);
  return writer.raw(payload).finish();
}

function transportChecksum(bytes: Uint8Array, protocol: number, place: LayerPlace): number {
  return foldChecksum(addToChecksum(place.pseudoHeader(protocol, bytes.length), bytes));
}

function setChecksum(bytes: Uint8Array, at: number, checksum: number): Uint8Array {
  bytes[at] = checksum >> 8;
  bytes[at + 1] = checksum;
  return bytes;
}
