export { formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from "../base/index.js";
export { CaptureReader } from "./capture-reader.js";
export { CapturedPacket } from "./captured-packet.js";
export { addToChecksum, foldChecksum, internetChecksum } from "./internet-checksum.js";
export {
  type Ipv4Options,
  type Ipv6Options,
  ipProtocols,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
} from "./ip-layers.js";
export { buildPacket, concatenate, type Layer, type LayerPlace } from "./layer.js";
export { arp, ethernet, etherTypes, vlan } from "./link-layers.js";
export { type LinkTypeName, linkTypeName, linkTypes } from "./link-type.js";
export { describePacket } from "./packet-description.js";
export { PcapWriter, type PcapWriterOptions } from "./pcap-writer.js";
export {
  echo,
  type IcmpOptions,
  icmp,
  icmpv6,
  type TcpFlag,
  type TcpOptions,
  tcp,
  tcpFlags,
  udp,
} from "./transport-layers.js";
