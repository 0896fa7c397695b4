import * as classic from "./opcodes.js";

/**
 * What Linux answers in place of packet bytes: a load from `SKF_AD_OFF` plus one of these. `xor_x` is an operation that
 * found no other place (A ^= X).
 */
export type AncillaryLoad =
  | "protocol"
  | "packet_type"
  | "ifindex"
  | "netlink_attribute"
  | "nested_netlink_attribute"
  | "mark"
  | "queue"
  | "hardware_type"
  | "rx_hash"
  | "cpu"
  | "xor_x"
  | "vlan_tag"
  | "vlan_tag_present"
  | "payload_offset"
  | "random"
  | "vlan_protocol";

const loads: ReadonlyMap<number, AncillaryLoad> = new Map([
  [classic.SKF_AD_PROTOCOL, "protocol"],
  [classic.SKF_AD_PKTTYPE, "packet_type"],
  [classic.SKF_AD_IFINDEX, "ifindex"],
  [classic.SKF_AD_NLATTR, "netlink_attribute"],
  [classic.SKF_AD_NLATTR_NEST, "nested_netlink_attribute"],
  [classic.SKF_AD_MARK, "mark"],
  [classic.SKF_AD_QUEUE, "queue"],
  [classic.SKF_AD_HATYPE, "hardware_type"],
  [classic.SKF_AD_RXHASH, "rx_hash"],
  [classic.SKF_AD_CPU, "cpu"],
  [classic.SKF_AD_ALU_XOR_X, "xor_x"],
  [classic.SKF_AD_VLAN_TAG, "vlan_tag"],
  [classic.SKF_AD_VLAN_TAG_PRESENT, "vlan_tag_present"],
  [classic.SKF_AD_PAY_OFFSET, "payload_offset"],
  [classic.SKF_AD_RANDOM, "random"],
  [classic.SKF_AD_VLAN_TPID, "vlan_protocol"],
]);

/** Whether an absolute packet load at `k` asks the kernel. */
export function isAncillary(k: number): boolean {
  return k >= classic.SKF_AD_OFF;
}

/** What a load at `k` asks; undefined for packet offsets and for questions that don't exist. */
export function ancillaryLoad(k: number): AncillaryLoad | undefined {
  return isAncillary(k) ? loads.get(k - classic.SKF_AD_OFF) : undefined;
}
