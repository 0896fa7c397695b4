import { BpfError, ByteWriter, parseIpv4, parseIpv6 } from "../base/index.js";
import { addToChecksum, internetChecksum } from "./internet-checksum.js";
import type { Layer } from "./layer.js";
import { etherTypes } from "./link-layers.js";

/** Numbers of protocols and IPv6 extension headers. */
export const ipProtocols = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  icmpv6: 58,
  none: 59,
  destination: 60,
} as const;

/** What {@link ipv4} can be told; what isn't told is filled in. */
export interface Ipv4Options {
  src: string;
  dst: string;
  ttl?: number;
  /** Type of service byte: DSCP and ECN. */
  tos?: number;
  identification?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  /** In units of 8 bytes. */
  fragmentOffset?: number;
  protocol?: number;
  /** Option bytes; padded with zeros to a multiple of 4. */
  options?: Uint8Array;
  /** Total length to claim. */
  totalLength?: number;
  /** A checksum to claim. */
  checksum?: number;
}

/** An IPv4 header. */
export function ipv4(header: Ipv4Options): Layer {
  const src = parseIpv4(header.src);
  const dst = parseIpv4(header.dst);
  const options = header.options ?? new Uint8Array(0);
  const headerLength = 20 + Math.ceil(options.length / 4) * 4;
  if (headerLength > 60) throw new BpfError("VALUE", `IPv4 options of ${options.length} bytes do not fit`);
  return {
    etherType: etherTypes.ipv4,
    ipProtocol: ipProtocols.ipip,
    pseudoHeader: (protocol, length) => addToChecksum(addToChecksum(protocol + length, src), dst),
    encode(payload, { inner }) {
      const fragment =
        (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0) | (header.fragmentOffset ?? 0);
      const writer = new ByteWriter({ littleEndian: false, capacity: headerLength + payload.length });
      writer
        .u8(0x40 | (headerLength / 4))
        .u8(header.tos ?? 0)
        .u16(header.totalLength ?? headerLength + payload.length);
      writer.u16(header.identification ?? 0).u16(fragment);
      writer.u8(header.ttl ?? 64).u8(header.protocol ?? inner?.ipProtocol ?? 255);
      writer.u16(0).raw(src).raw(dst).raw(options).align(4).raw(payload);
      const bytes = writer.finish();
      const checksum = header.checksum ?? internetChecksum(bytes.subarray(0, headerLength));
      bytes[10] = checksum >> 8;
      bytes[11] = checksum;
      return bytes;
    },
  };
}

/** What {@link ipv6} can be told. */
export interface Ipv6Options {
  src: string;
  dst: string;
  hopLimit?: number;
  trafficClass?: number;
  flowLabel?: number;
  nextHeader?: number;
  /** Payload length to claim. */
  payloadLength?: number;
}

/** An IPv6 header; extension headers are layers of their own behind it. */
export function ipv6(header: Ipv6Options): Layer {
  const src = parseIpv6(header.src);
  const dst = parseIpv6(header.dst);
  return {
    etherType: etherTypes.ipv6,
    ipProtocol: ipProtocols.ipv6,
    pseudoHeader: (protocol, length) => addToChecksum(addToChecksum(protocol + length, src), dst),
    encode(payload, { inner }) {
      const writer = new ByteWriter({ littleEndian: false, capacity: 40 + payload.length });
      writer.u32(((6 << 28) | ((header.trafficClass ?? 0) << 20) | (header.flowLabel ?? 0)) >>> 0);
      writer
        .u16(header.payloadLength ?? payload.length)
        .u8(header.nextHeader ?? inner?.ipProtocol ?? ipProtocols.none)
        .u8(header.hopLimit ?? 64);
      return writer.raw(src).raw(dst).raw(payload).finish();
    },
  };
}

/**
 * An IPv6 hop-by-hop, routing or destination options header: `body` follows the next header and length bytes and is
 * padded with zeros to a multiple of 8 bytes. @see RFC 8200 section 4
 */
export function ipv6Extension(
  kind: "hopByHop" | "routing" | "destination",
  body: Uint8Array = new Uint8Array(6),
): Layer {
  return {
    ipProtocol: ipProtocols[kind],
    encode(payload, { inner }) {
      const length = Math.ceil((2 + body.length) / 8);
      const writer = new ByteWriter({ littleEndian: false, capacity: length * 8 + payload.length });
      return writer
        .u8(inner?.ipProtocol ?? ipProtocols.none)
        .u8(length - 1)
        .raw(body)
        .align(8)
        .raw(payload)
        .finish();
    },
  };
}

/** An IPv6 fragment header; `offset` is in units of 8 bytes. */
export function ipv6Fragment(options: { identification?: number; offset?: number; more?: boolean } = {}): Layer {
  return {
    ipProtocol: ipProtocols.fragment,
    encode(payload, { inner }) {
      const writer = new ByteWriter({ littleEndian: false, capacity: 8 + payload.length });
      writer.u8(inner?.ipProtocol ?? ipProtocols.none).u8(0);
      writer.u16(((options.offset ?? 0) << 3) | (options.more ? 1 : 0)).u32(options.identification ?? 0);
      return writer.raw(payload).finish();
    },
  };
}
