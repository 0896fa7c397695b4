import { EINVAL, ETH_P_IP, ETH_P_IPV6 } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";
import { skbContext } from "./skb.js";

const BPF_LWT_ENCAP_IP = 2;
/** LWTUNNEL_MAX_ENCAP_HSIZE */
const LARGEST_HEADER = 256;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Headers that programs of routes put in front of packets. Segment routing's are not there. */
export const lwtHelpers: HelperFamily = (define, { runtime }) => {
  define("lwt_push_encap", "int", (_ctx, type, header, size) => {
    const skb = skbContext(runtime);
    if (type !== BPF_LWT_ENCAP_IP || size < IPV4_HEADER || size > LARGEST_HEADER) return -EINVAL;
    const { u8, view } = runtime.memory;
    const from = header >>> 0;
    const version = u8[from]! >> 4;
    if (version !== 4 && version !== 6) return -EINVAL;
    if (version === 6 ? size < IPV6_HEADER : (u8[from]! & 0xf) * 4 > size) return -EINVAL;
    const bytes = runtime.memory.copy(from, size);
    if (!skb.insert(0, size)) return -EINVAL;
    u8.set(bytes, skb.packetStart);
    skb.networkHeader = skb.packetStart;
    skb.macHeader = skb.packetStart;
    skb.setProtocol(version === 4 ? ETH_P_IP : ETH_P_IPV6);
    // An IPv4 header without a checksum gets one.
    if (version === 4 && view.getUint16(skb.packetStart + 10, false) === 0) {
      let sum = 0;
      for (let at = 0; at < (bytes[0]! & 0xf) * 4; at += 2) sum += view.getUint16(skb.packetStart + at, false);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      view.setUint16(skb.packetStart + 10, ~sum & 0xffff, false);
    }
    skb.clearHash();
    return 0;
  });
};
