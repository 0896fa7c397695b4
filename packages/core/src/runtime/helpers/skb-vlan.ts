import { ENOMEM, ETH_P_8021AD, ETH_P_8021Q } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import { carriedProtocol, ETH_HLEN, type SkbContext, skBuff, swap16 } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";
import { skbContext } from "./skb.js";

const VLAN_HLEN = 4;
/** Both Ethernet addresses, in front of the tag. */
const ADDRESSES = 12;

/**
 * Pushing and popping VLAN tags. The outermost tag travels beside the packet, in the context's `vlan_*` fields, as where
 * a device strips it; only a second one is in the packet's bytes.
 */
export const skbVlanHelpers: HelperFamily = (define, { runtime }) => {
  define("skb_vlan_push", "int", (_ctx, protocol, tci) => {
    const skb = skbContext(runtime);
    const asked = swap16(protocol & 0xffff);
    if (skb.field(skBuff.vlanPresent) !== 0) {
      const failed = insertTag(runtime, skb);
      if (failed !== 0) return failed;
    }
    skb.setVlanTag({ protocol: asked === ETH_P_8021AD ? asked : ETH_P_8021Q, tci: tci & 0xffff });
    return 0;
  });
  define("skb_vlan_pop", "int", () => {
    const skb = skbContext(runtime);
    if (skb.field(skBuff.vlanPresent) !== 0) skb.setVlanTag(undefined);
    else if (!isVlan(skb.protocol)) return 0;
    else if (removeTag(runtime, skb) === undefined) return -ENOMEM;
    if (!isVlan(skb.protocol)) return 0;
    // The next tag takes the place beside the packet.
    const { protocol } = skb;
    const tci = removeTag(runtime, skb);
    if (tci === undefined) return -ENOMEM;
    skb.setVlanTag({ protocol, tci });
    return 0;
  });
};

function isVlan(protocol: number): boolean {
  return protocol === ETH_P_8021Q || protocol === ETH_P_8021AD;
}

/** The tag beside the packet goes into its bytes, behind the addresses. */
function insertTag(runtime: Runtime, skb: SkbContext): number {
  const protocol = swap16(skb.field(skBuff.vlanProto));
  if (!skb.insert(ADDRESSES, VLAN_HLEN)) return -ENOMEM;
  const { view } = runtime.memory;
  view.setUint16(skb.packetStart + ADDRESSES, protocol, false);
  view.setUint16(skb.packetStart + ADDRESSES + 2, skb.field(skBuff.vlanTci), false);
  skb.macHeader -= VLAN_HLEN;
  skb.networkHeader -= VLAN_HLEN;
  skb.setProtocol(protocol);
  return 0;
}

/** Takes the tag out of the packet's bytes and returns its control information; undefined for a packet too short. */
function removeTag(runtime: Runtime, skb: SkbContext): number | undefined {
  if (skb.length < ETH_HLEN + VLAN_HLEN) return undefined;
  const tci = runtime.memory.view.getUint16(skb.packetStart + ETH_HLEN, false);
  const protocol = carriedProtocol(runtime.memory.u8, skb.packetStart + ETH_HLEN + 2, skb.packetEnd);
  skb.remove(ADDRESSES, VLAN_HLEN);
  skb.macHeader += VLAN_HLEN;
  if (skb.networkOffset < ETH_HLEN) skb.networkHeader = skb.packetStart + ETH_HLEN;
  skb.setProtocol(protocol);
  return tci;
}
