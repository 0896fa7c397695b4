import { formatIpv4, formatIpv6, formatMac } from "../base/index.js";
import { ipProtocols } from "./ip-layers.js";
import { etherTypes } from "./link-layers.js";
import { linkTypeName, linkTypes } from "./link-type.js";
import { tcpFlags } from "./transport-layers.js";

/** A stretch of packet bytes, big-endian, that says undefined instead of reading past its end. */
class Header {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  has(length: number): boolean {
    return this.bytes.length >= length;
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0;
  }

  u16(at: number): number {
    return (this.u8(at) << 8) | this.u8(at + 1);
  }

  u32(at: number): number {
    return this.u16(at) * 65_536 + this.u16(at + 2);
  }

  from(at: number, length?: number): Header {
    return new Header(this.bytes.subarray(at, length === undefined ? undefined : at + length));
  }
}

/**
 * One line about a packet, in tcpdump's manner: `IP 10.0.0.1.4242 > 10.0.0.2.80: Flags [S], seq 1, win 65535, length 0`.
 * Whatever the bytes are, there is a line; where they end too early it says so with `[|tcp]`.
 */
export function describePacket(data: Uint8Array, linkType: number = linkTypes.ethernet): string {
  const header = new Header(data);
  switch (linkType) {
    case linkTypes.ethernet:
      return header.has(14) ? describeEtherType(header.u16(12), header.from(14), header) : "[|ether]";
    case linkTypes.raw:
    case linkTypes.raw_bsd:
    case linkTypes.ipv4:
    case linkTypes.ipv6:
      return describeIp(header);
    case linkTypes.linux_sll:
      return header.has(16) ? describeEtherType(header.u16(14), header.from(16)) : "[|sll]";
    case linkTypes.linux_sll2:
      return header.has(20) ? describeEtherType(header.u16(0), header.from(20)) : "[|sll2]";
    case linkTypes.null:
    case linkTypes.loop:
      return header.has(4) ? describeIp(header.from(4)) : "[|null]";
    default:
      return `${linkTypeName(linkType)}, length ${data.length}`;
  }
}

function describeIp(header: Header): string {
  const version = header.u8(0) >> 4;
  if (version === 4) return describeIpv4(header);
  if (version === 6) return describeIpv6(header);
  return `IP version ${version}, length ${header.bytes.length}`;
}

function describeEtherType(etherType: number, payload: Header, frame?: Header): string {
  switch (etherType) {
    case etherTypes.vlan:
    case etherTypes.vlanService: {
      if (!payload.has(4)) return "[|vlan]";
      const control = payload.u16(0);
      const name = etherType === etherTypes.vlan ? "vlan" : "802.1ad vlan";
      return `${name} ${control & 0xfff}, p ${control >> 13}, ${describeEtherType(payload.u16(2), payload.from(4), frame)}`;
    }
    case etherTypes.ipv4:
      return describeIpv4(payload);
    case etherTypes.ipv6:
      return describeIpv6(payload);
    case etherTypes.arp:
      return describeArp(payload);
    default: {
      const name = etherType < 0x600 ? "802.3" : `ethertype 0x${etherType.toString(16).padStart(4, "0")}`;
      const addresses =
        frame === undefined ? "" : `${formatMac(frame.from(6, 6).bytes)} > ${formatMac(frame.from(0, 6).bytes)}, `;
      return `${addresses}${name}, length ${payload.bytes.length}`;
    }
  }
}

function describeArp(header: Header): string {
  if (!header.has(28)) return "[|arp]";
  const sender = formatIpv4(header.from(14, 4).bytes);
  const target = formatIpv4(header.from(24, 4).bytes);
  if (header.u16(6) === 1) return `ARP, Request who-has ${target} tell ${sender}`;
  if (header.u16(6) === 2) return `ARP, Reply ${sender} is-at ${formatMac(header.from(8, 6).bytes)}`;
  return `ARP, operation ${header.u16(6)}`;
}

function describeIpv4(header: Header): string {
  const headerLength = (header.u8(0) & 0xf) * 4;
  if (!header.has(20) || !header.has(headerLength)) return "IP [|ip]";
  if (headerLength < 20) return `IP bad header length ${headerLength}`;
  const src = formatIpv4(header.from(12, 4).bytes);
  const dst = formatIpv4(header.from(16, 4).bytes);
  const length = Math.max(0, header.u16(2) - headerLength);
  const payload = header.from(headerLength, length);
  const fragment = header.u16(6);
  if ((fragment & 0x1fff) !== 0) {
    return `IP ${src} > ${dst}: ${protocolName(header.u8(9))} fragment at ${(fragment & 0x1fff) * 8}, length ${length}`;
  }
  return describeProtocol("IP", header.u8(9), src, dst, payload, length);
}

function describeIpv6(header: Header): string {
  if (!header.has(40)) return "IP6 [|ip6]";
  const src = formatIpv6(header.from(8, 16).bytes);
  const dst = formatIpv6(header.from(24, 16).bytes);
  let next = header.u8(6);
  let length = header.u16(4);
  let payload = header.from(40, length);
  // Each extension header has at least 8 bytes, so the walk ends with the packet.
  while (isExtension(next)) {
    if (!payload.has(8)) return `IP6 ${src} > ${dst}: [|extension]`;
    if (next === ipProtocols.fragment && payload.u16(2) >> 3 !== 0) {
      return `IP6 ${src} > ${dst}: ${protocolName(payload.u8(0))} fragment at ${payload.u16(2) & 0xfff8}, length ${length - 8}`;
    }
    const size = next === ipProtocols.fragment ? 8 : (payload.u8(1) + 1) * 8;
    next = payload.u8(0);
    payload = payload.from(size);
    length -= size;
  }
  return describeProtocol("IP6", next, src, dst, payload, Math.max(0, length));
}

function isExtension(protocol: number): boolean {
  return (
    protocol === ipProtocols.hopByHop ||
    protocol === ipProtocols.routing ||
    protocol === ipProtocols.fragment ||
    protocol === ipProtocols.destination
  );
}

function protocolName(protocol: number): string {
  return Object.entries(ipProtocols).find(([, id]) => id === protocol)?.[0] ?? `protocol ${protocol}`;
}

function describeProtocol(
  ip: string,
  protocol: number,
  src: string,
  dst: string,
  payload: Header,
  length: number,
): string {
  const ends = `${ip} ${src} > ${dst}:`;
  switch (protocol) {
    case ipProtocols.tcp:
      return payload.has(20)
        ? `${ip} ${src}.${payload.u16(0)} > ${dst}.${payload.u16(2)}: ${describeTcp(payload, length)}`
        : `${ends} [|tcp]`;
    case ipProtocols.udp:
      return payload.has(8)
        ? `${ip} ${src}.${payload.u16(0)} > ${dst}.${payload.u16(2)}: UDP, length ${Math.max(0, payload.u16(4) - 8)}`
        : `${ends} [|udp]`;
    case ipProtocols.icmp:
    case ipProtocols.icmpv6:
      return payload.has(8) ? `${ends} ${describeIcmp(protocol, payload)}, length ${length}` : `${ends} [|icmp]`;
    case ipProtocols.ipip:
      return `${ends} ${describeIpv4(payload)}`;
    case ipProtocols.ipv6:
      return `${ends} ${describeIpv6(payload)}`;
    default:
      return `${ends} ${protocolName(protocol)}, length ${length}`;
  }
}

/** tcpdump's letters, in its order; an acknowledgement is a dot. */
const flagLetters: readonly (readonly [bit: number, letter: string])[] = [
  [tcpFlags.fin, "F"],
  [tcpFlags.syn, "S"],
  [tcpFlags.rst, "R"],
  [tcpFlags.psh, "P"],
  [tcpFlags.ack, "."],
  [tcpFlags.urg, "U"],
  [tcpFlags.ece, "E"],
  [tcpFlags.cwr, "W"],
];

function describeTcp(header: Header, length: number): string {
  const flags = header.u8(13);
  const letters = flagLetters
    .filter(([bit]) => flags & bit)
    .map(([, letter]) => letter)
    .join("");
  const data = Math.max(0, length - (header.u8(12) >> 4) * 4);
  const seq = header.u32(4);
  const parts = [`Flags [${letters || "none"}]`];
  if (data > 0) parts.push(`seq ${seq}:${(seq + data) % 2 ** 32}`);
  else if (flags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.rst)) parts.push(`seq ${seq}`);
  if (flags & tcpFlags.ack) parts.push(`ack ${header.u32(8)}`);
  parts.push(`win ${header.u16(14)}`, `length ${data}`);
  return parts.join(", ");
}

const icmpNames: Readonly<Record<number, string>> = {
  0: "echo reply",
  3: "unreachable",
  5: "redirect",
  8: "echo request",
  11: "time exceeded",
};
const icmpv6Names: Readonly<Record<number, string>> = {
  1: "unreachable",
  2: "packet too big",
  3: "time exceeded",
  128: "echo request",
  129: "echo reply",
  133: "router solicitation",
  134: "router advertisement",
  135: "neighbor solicitation",
  136: "neighbor advertisement",
};

function describeIcmp(protocol: number, header: Header): string {
  const type = header.u8(0);
  const name = (protocol === ipProtocols.icmp ? icmpNames : icmpv6Names)[type] ?? `type ${type} code ${header.u8(1)}`;
  const isEcho = name.startsWith("echo");
  const title = protocol === ipProtocols.icmp ? "ICMP" : "ICMP6";
  return isEcho ? `${title} ${name}, id ${header.u16(4)}, seq ${header.u16(6)}` : `${title} ${name}`;
}
