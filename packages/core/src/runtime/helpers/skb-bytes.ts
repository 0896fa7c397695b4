import { EFAULT, EINVAL, ENOMEM } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const BPF_F_RECOMPUTE_CSUM = 1;
const BPF_F_INVALIDATE_HASH = 2;
const BPF_HDR_START_MAC = 0;
const BPF_HDR_START_NET = 1;

/** Reading and writing packet bytes through helpers. */
export const skbBytesHelpers: HelperFamily = (define, { runtime }) => {
  const failRead = (to: number, size: number) => {
    runtime.memory.u8.fill(0, to, to + size);
    return -EFAULT;
  };
  define(
    "skb_store_bytes",
    "int",
    (_ctx, offset, from, size, flags) => {
      const skb = skbContext(runtime);
      if (!isNarrow(runtime, 5) || (flags & ~(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH)) !== 0) return -EINVAL;
      if (offset < 0 || offset + (size >>> 0) > skb.length) return -EFAULT;
      const at = from >>> 0;
      runtime.memory.u8.copyWithin(skb.packetStart + offset, at, at + size);
      if (flags & BPF_F_INVALIDATE_HASH) skb.clearHash();
      return 0;
    },
    { wide: true },
  );
  define("skb_load_bytes", "int", (_ctx, offset, to, size) => {
    const isRead = offset >= 0 && skbContext(runtime).read(offset, to >>> 0, size);
    return isRead ? 0 : failRead(to >>> 0, size);
  });
  define("skb_load_bytes_relative", "int", (_ctx, offset, to, size, start) => {
    const skb = skbContext(runtime);
    if (offset >>> 0 > 0xffff || (start !== BPF_HDR_START_MAC && start !== BPF_HDR_START_NET)) {
      return failRead(to >>> 0, size);
    }
    const from = (start === BPF_HDR_START_MAC ? skb.macHeader : skb.networkHeader) + offset;
    if (from + size > skb.packetEnd) return failRead(to >>> 0, size);
    runtime.memory.u8.copyWithin(to >>> 0, from, from + size);
    return 0;
  });
  define("skb_pull_data", "int", (_ctx, length) => (length >>> 0 > skbContext(runtime).length ? -ENOMEM : 0));
};
