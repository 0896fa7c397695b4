/** A tunnel's outer header as metadata beside the packet (`struct ip_tunnel_info`). */
export interface TunnelInfo {
  /** Virtual network id. */
  readonly id: number;
  readonly family: "ipv4" | "ipv6";
  /** 4 or 16 bytes in network order. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly tos: number;
  readonly ttl: number;
  /** IPv6 flow label. */
  readonly label: number;
  /** TUNNEL_* bits: checksum, key, sequence, no fragments ... */
  readonly flags: number;
  /** Options of the tunnel protocol (Geneve's, VXLAN's). */
  readonly options: Uint8Array;
}
