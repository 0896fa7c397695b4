import {
  formatIpv4,
  formatIpv6,
  type IcmpOptions,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  parseIpv4,
  parseIpv6,
} from "../../packet/index.js";

/** What the two versions of IP differ in, as far as the stack here goes. Offsets are from the IP header. */
export interface IpFamily {
  readonly version: 4 | 6;
  readonly etherType: number;
  /** Bytes of an address. */
  readonly addressLength: 4 | 16;
  /** Bytes of a header without options. */
  readonly headerLength: number;
  /** Every link carries packets of this size. */
  readonly leastMtu: number;
  readonly protocolAt: number;
  /** Time to live, or hop limit. */
  readonly hopsAt: number;
  readonly sourceAt: number;
  readonly destinationAt: number;
  /** ICMP's protocol number and message types. */
  readonly icmp: IcmpTypes;
  format(address: Uint8Array): string;
  /** @param whole it may not be cut into pieces. */
  header(source: Uint8Array, destination: Uint8Array, whole: boolean): Layer;
  message(options: IcmpOptions): Layer;
}

export interface IcmpTypes {
  readonly protocol: number;
  readonly echoRequest: number;
  readonly echoReply: number;
  /** Type and code. */
  readonly timeExceeded: readonly [type: number, code: number];
  readonly noRoute: readonly [type: number, code: number];
  readonly noPort: readonly [type: number, code: number];
  readonly tooBig: readonly [type: number, code: number];
}

export const ipv4Family: IpFamily = {
  version: 4,
  etherType: 0x0800,
  addressLength: 4,
  headerLength: 20,
  leastMtu: 576,
  protocolAt: 9,
  hopsAt: 8,
  sourceAt: 12,
  destinationAt: 16,
  icmp: {
    protocol: 1,
    echoRequest: 8,
    echoReply: 0,
    timeExceeded: [11, 0],
    noRoute: [3, 0],
    noPort: [3, 3],
    tooBig: [3, 4],
  },
  format: formatIpv4,
  header: (source, destination, whole) =>
    ipv4({ src: formatIpv4(source), dst: formatIpv4(destination), dontFragment: whole }),
  message: icmp,
};

export const ipv6Family: IpFamily = {
  version: 6,
  etherType: 0x86dd,
  addressLength: 16,
  headerLength: 40,
  leastMtu: 1280,
  protocolAt: 6,
  hopsAt: 7,
  sourceAt: 8,
  destinationAt: 24,
  icmp: {
    protocol: 58,
    echoRequest: 128,
    echoReply: 129,
    timeExceeded: [3, 0],
    noRoute: [1, 0],
    noPort: [1, 4],
    tooBig: [2, 0],
  },
  format: formatIpv6,
  header: (source, destination) => ipv6({ src: formatIpv6(source), dst: formatIpv6(destination) }),
  message: icmpv6,
};

/** The family of an address of 4 or 16 bytes. */
export function familyOf(address: Uint8Array): IpFamily {
  return address.length === 4 ? ipv4Family : ipv6Family;
}

/** An IPv4 or IPv6 address from its text. @throws BpfError `"ADDRESS"` */
export function parseIpAddress(text: string): Uint8Array {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** `"10.0.0.0/8"`: address and bits; all bits without a slash. @throws BpfError `"ADDRESS"`, RangeError */
export function parsePrefix(text: string): { readonly address: Uint8Array; readonly bits: number } {
  const [head, tail] = text.split("/");
  const address = parseIpAddress(head!);
  const bits = tail === undefined ? address.length * 8 : Number(tail);
  if (!Number.isInteger(bits) || bits < 0 || bits > address.length * 8)
    throw new RangeError(`'${text}' has no prefix length of 0 to ${address.length * 8}`);
  return { address, bits };
}

/** The address with all bits behind the prefix cleared, or set. */
export function maskAddress(address: Uint8Array, bits: number, fill = 0): Uint8Array {
  return address.map((byte, at) => {
    const mask = 0xff00 >> Math.max(0, Math.min(8, bits - at * 8));
    return (byte & mask) | (fill & ~mask & 0xff);
  });
}

export function isSameAddress(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
