import { EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP, ETH_P_IP, ETH_P_IPV6 } from "../../abi/index.js";
import { ETH_HLEN, SKB_MAX_LENGTH, type SkbContext, skBuff } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const BPF_ADJ_ROOM_NET = 0;
const BPF_ADJ_ROOM_MAC = 1;
const ENCAP_L3_IPV4 = 1 << 1;
const ENCAP_L3_IPV6 = 1 << 2;
const ENCAP_L4_GRE = 1 << 3;
const ENCAP_L4_UDP = 1 << 4;
const ENCAP_L2_ETH = 1 << 6;
const DECAP_L3_IPV4 = 1 << 7;
const DECAP_L3_IPV6 = 1 << 8;
const ENCAP_L3 = ENCAP_L3_IPV4 | ENCAP_L3_IPV6;
const DECAP_L3 = DECAP_L3_IPV4 | DECAP_L3_IPV6;
const FIXED_GSO = 1;
const NO_CSUM_RESET = 1 << 5;
/** The low half of the flags; in the high half the upper 8 bits are the length of an inner MAC header. */
const ROOM_FLAGS = 0x1ff;
const SHRINK_FLAGS = FIXED_GSO | DECAP_L3 | NO_CSUM_RESET;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HEADER_DIFFERENCE = IPV6_HEADER - IPV4_HEADER;

/** Helpers that change a packet's length or the place of its headers. */
export const skbRoomHelpers: HelperFamily = (define, { runtime }) => {
  define(
    "skb_change_tail",
    "int",
    (_ctx, newLength, flags) => {
      const skb = skbContext(runtime);
      const length = newLength >>> 0;
      if (flags !== 0 || !isNarrow(runtime, 3) || length > SKB_MAX_LENGTH || length < leastLength(skb)) return -EINVAL;
      if (skb.encapsulation) return -ENOTSUPP;
      skb.setLength(length);
      skb.setField(skBuff.gsoSize, 0);
      skb.setField(skBuff.gsoSegs, 0);
      return 0;
    },
    { wide: true },
  );
  define(
    "skb_change_head",
    "int",
    (_ctx, room, flags) => {
      const skb = skbContext(runtime);
      const length = skb.length + (room >>> 0);
      if (flags !== 0 || !isNarrow(runtime, 3) || length > 0xffff_ffff) return -EINVAL;
      if (length > SKB_MAX_LENGTH) return skb.segmented ? -ENOMEM : -EINVAL;
      if (!skb.insert(0, room)) return -ENOMEM;
      skb.macHeader = skb.packetStart;
      return 0;
    },
    { wide: true },
  );
  define(
    "skb_change_proto",
    "int",
    (_ctx, protocol, flags) => {
      if (flags !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      return changeProtocol(skbContext(runtime), ((protocol & 0xff) << 8) | ((protocol >> 8) & 0xff));
    },
    { wide: true },
  );
  define(
    "skb_adjust_room",
    "int",
    (_ctx, difference, mode, flags) =>
      adjustRoom(skbContext(runtime), difference, mode, flags, runtime.registerHigh(4)),
    { wide: true },
  );
};

/** A packet keeps its headers up to the transport header's start. */
function leastLength(skb: SkbContext): number {
  const transport = skb.transportHeader - skb.packetStart;
  return skb.transportHeader >= 0 && transport > 0 ? transport : Math.max(0, skb.networkOffset);
}

/** Inserts bytes before the network header and moves the headers in front of them along. */
function pushHeader(skb: SkbContext, at: number, length: number): number {
  const transportIsNetwork = skb.transportHeader === skb.networkHeader;
  if (!skb.insert(at, length)) return -ENOMEM;
  skb.macHeader -= length;
  skb.networkHeader -= length;
  if (transportIsNetwork) skb.transportHeader = skb.networkHeader;
  return 0;
}

function popHeader(skb: SkbContext, at: number, length: number): number {
  if (at + length > skb.length) return -ENOMEM;
  const transportIsNetwork = skb.transportHeader === skb.networkHeader;
  skb.remove(at, length);
  skb.macHeader += length;
  skb.networkHeader += length;
  if (transportIsNetwork) skb.transportHeader = skb.networkHeader;
  return 0;
}

/** Makes room for the other IP version's header; its contents are the program's business. */
function changeProtocol(skb: SkbContext, to: number): number {
  const isTo6 = skb.protocol === ETH_P_IP && to === ETH_P_IPV6;
  const isTo4 = skb.protocol === ETH_P_IPV6 && to === ETH_P_IP;
  if (!isTo6 && !isTo4) return -ENOTSUPP;
  const change = isTo6 ? pushHeader : popHeader;
  const failed = change(skb, skb.macLength, HEADER_DIFFERENCE);
  if (failed !== 0) return failed;
  skb.setProtocol(to);
  skb.clearHash();
  return 0;
}

function adjustRoom(skb: SkbContext, difference: number, mode: number, flags: number, flagsHigh: number): number {
  if ((flags & ~ROOM_FLAGS) !== 0 || (flagsHigh & 0x00ff_ffff) !== 0) return -EINVAL;
  const amount = Math.abs(difference);
  if (amount > 0xfff) return -EFAULT;
  const ipHeader = skb.protocol === ETH_P_IP ? IPV4_HEADER : IPV6_HEADER;
  if (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) return -ENOTSUPP;
  if (mode !== BPF_ADJ_ROOM_NET && mode !== BPF_ADJ_ROOM_MAC) return -ENOTSUPP;
  const at = skb.macLength + (mode === BPF_ADJ_ROOM_NET ? ipHeader : 0);
  const shrinks = difference < 0;
  let least = ipHeader;
  if (flags & DECAP_L3) {
    if (!shrinks || (flags & DECAP_L3) === DECAP_L3) return -EINVAL;
    least = flags & DECAP_L3_IPV4 ? IPV4_HEADER : IPV6_HEADER;
  }
  const present = skb.length - skb.networkOffset;
  if (
    shrinks ? amount >= present || present - amount < least : skb.length + amount > SKB_MAX_LENGTH && !skb.segmented
  ) {
    return -ENOTSUPP;
  }
  const failed = shrinks
    ? shrinkRoom(skb, at, amount, flags, flagsHigh)
    : growRoom(skb, at, amount, flags, flagsHigh >>> 24);
  if (failed === 0 && !(flags & NO_CSUM_RESET)) {
    skb.checksumVerified = false;
    skb.checksumLevel = 0;
  }
  return failed;
}

function growRoom(skb: SkbContext, at: number, amount: number, flags: number, innerMacLength: number): number {
  // A test run's segments have no type, and only TCP's may change their headers.
  if (skb.segmented) return -ENOTSUPP;
  const encapsulates = (flags & ENCAP_L3) !== 0;
  if (encapsulates) {
    if ((flags & ENCAP_L3) === ENCAP_L3) return -EINVAL;
    if (flags & ENCAP_L4_GRE && flags & ENCAP_L4_UDP) return -EINVAL;
    if (flags & ENCAP_L2_ETH && innerMacLength < ETH_HLEN) return -EINVAL;
    if (skb.encapsulation) return -EALREADY;
    if (innerMacLength > amount) return -EINVAL;
  }
  const macLength = skb.macLength;
  const failed = pushHeader(skb, at, amount);
  if (failed !== 0 || !encapsulates) return failed;
  skb.encapsulation = true;
  skb.networkHeader = skb.packetStart + macLength;
  const outer = flags & ENCAP_L3_IPV6 ? IPV6_HEADER : IPV4_HEADER;
  if (flags & (ENCAP_L4_GRE | ENCAP_L4_UDP)) skb.transportHeader = skb.packetStart + macLength + outer;
  skb.setProtocol(flags & ENCAP_L3_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
  return 0;
}

function shrinkRoom(skb: SkbContext, at: number, amount: number, flags: number, flagsHigh: number): number {
  if ((flags & ~SHRINK_FLAGS) !== 0 || flagsHigh !== 0) return -EINVAL;
  if (skb.segmented) return -ENOTSUPP;
  const failed = popHeader(skb, at, amount);
  if (failed !== 0) return failed;
  if (flags & DECAP_L3) skb.setProtocol(flags & DECAP_L3_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
  return 0;
}
