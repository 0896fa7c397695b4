import { EINVAL, EOPNOTSUPP, ETH_P_IP, ETH_P_IPV6 } from "../../abi/index.js";
import { flowHash } from "../flow-hash.js";
import type { Runtime } from "../runtime.js";
import { PACKET_OTHERHOST, type SkbContext, skBuff } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";
import { skbContext } from "./skb.js";

const ECN_MASK = 3;
const ECN_NOT_ECT = 0;
/** BPF_SKB_CLOCK_*: whose time a packet's time stamp is. */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_TAI = 2;

/** What the socket buffer says of its packet beside the bytes. */
export const skbStateHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  define("skb_change_type", "int", (_ctx, type) => {
    const skb = skbContext(runtime);
    if (skb.field(skBuff.pktType) > PACKET_OTHERHOST || type >>> 0 > PACKET_OTHERHOST) return -EINVAL;
    skb.setField(skBuff.pktType, type);
    return 0;
  });
  define("get_hash_recalc", "uint", () => {
    const skb = skbContext(runtime);
    if (!skb.hashed) {
      skb.hashed = true;
      const hash = environment.dissect(runtime.memory.u8.subarray(skb.macHeader, skb.packetEnd));
      skb.setField(skBuff.hash, hash ?? flowHash(runtime.memory, skb));
    }
    return skb.field(skBuff.hash);
  });
  define("set_hash", "int", (_ctx, hash) => {
    const skb = skbContext(runtime);
    skb.hashed = true;
    skb.setField(skBuff.hash, hash);
    return 0;
  });
  define("set_hash_invalid", "int", () => {
    skbContext(runtime).clearHash();
    return 0;
  });
  define("skb_ecn_set_ce", "int", () => (setCongestionExperienced(runtime, skbContext(runtime)) ? 1 : 0));
  define(
    "skb_set_tstamp",
    "int",
    (_ctx, low, type) => {
      const skb = skbContext(runtime);
      const known = type === CLOCK_REALTIME || type === CLOCK_MONOTONIC || type === CLOCK_TAI;
      const isNone = low === 0 && runtime.registerHigh(2) === 0;
      if (!known || (isNone && type !== CLOCK_REALTIME)) return -EINVAL;
      if (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) return -EOPNOTSUPP;
      skb.setField(skBuff.tstamp, low);
      skb.setField(skBuff.tstamp + 4, runtime.registerHigh(2));
      runtime.memory.u8[skb.address + skBuff.tstampType] = type;
      return 0;
    },
    { wide: true },
  );
  // No route, no socket and no control group stands behind the packets here.
  define("get_route_realm", "uint", () => 0);
  define("get_cgroup_classid", "uint", () => 0);
  define("skb_cgroup_classid", "uint", () => 0);
};

/** Marks congestion in the IP header; false where the sender doesn't understand the mark. */
function setCongestionExperienced(runtime: Runtime, skb: SkbContext): boolean {
  const { u8, view } = runtime.memory;
  const at = skb.networkHeader;
  if (skb.protocol === ETH_P_IP && at + 20 <= skb.packetEnd) {
    const tos = u8[at + 1]!;
    if ((tos & ECN_MASK) === ECN_NOT_ECT) return false;
    if ((tos & ECN_MASK) === ECN_MASK) return true;
    u8[at + 1] = tos | ECN_MASK;
    const grown = view.getUint16(at + 10, false) - (ECN_MASK - (tos & ECN_MASK));
    view.setUint16(at + 10, grown <= 0 ? grown - 1 : grown, false);
    return true;
  }
  if (skb.protocol === ETH_P_IPV6 && at + 40 <= skb.packetEnd) {
    const traffic = view.getUint32(at, false);
    if (((traffic >>> 20) & ECN_MASK) === ECN_NOT_ECT) return false;
    view.setUint32(at, traffic | (ECN_MASK << 20), false);
    return true;
  }
  return false;
}
