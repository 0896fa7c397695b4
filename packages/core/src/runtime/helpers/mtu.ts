import { EINVAL, ENODEV } from "../../abi/index.js";
import { SkbContext, skBuff } from "../skb-context.js";
import { XdpContext } from "../xdp-context.js";
import type { HelperFamily } from "./definition.js";

const BPF_MTU_CHK_SEGS = 1;
const SUCCESS = 0;
const FRAG_NEEDED = 1;
const SEGS_TOOBIG = 2;
const ETH_HLEN = 14;
/** Bytes of the headers in front of a segment's payload, at least. */
const SEGMENT_HEADERS = 40;

/** bpf_check_mtu(): does the packet, or one of a given length, fit through a device? */
export const mtuHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  define(
    "check_mtu",
    "int",
    (_ctx, index, lengthAt, difference, flags) => {
      const { context } = runtime.run;
      const isSkb = context instanceof SkbContext;
      const { view } = runtime.memory;
      const asked = view.getUint32(lengthAt >>> 0, true);
      if ((flags & ~(isSkb ? BPF_MTU_CHK_SEGS : 0)) !== 0 || runtime.registerHigh(5) !== 0) return -EINVAL;
      if (flags & BPF_MTU_CHK_SEGS && (difference !== 0 || asked !== 0)) return -EINVAL;
      const own = context instanceof XdpContext ? context.receiver : isSkb ? context.field(skBuff.ifindex) : 1;
      const device = environment.network.devices.get(index === 0 ? own : index >>> 0);
      if (device === undefined) return -ENODEV;
      const mtu = device.mtu ?? 1500;
      const packet = isSkb || context instanceof XdpContext ? context.length : 0;
      const length = (asked !== 0 ? asked + ETH_HLEN : packet) + difference;
      view.setUint32(lengthAt >>> 0, mtu, true);
      if (length <= mtu + ETH_HLEN) return SUCCESS;
      if (!isSkb || !context.segmented) return FRAG_NEEDED;
      const segment = context.field(skBuff.gsoSize) + SEGMENT_HEADERS;
      return flags & BPF_MTU_CHK_SEGS && segment > mtu ? SEGS_TOOBIG : SUCCESS;
    },
    { wide: true },
  );
};
