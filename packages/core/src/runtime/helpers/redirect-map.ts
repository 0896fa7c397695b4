import { mapTypeId } from "../../abi/index.js";
import { mapHeader } from "../../maps/index.js";
import type { HelperFamily } from "./definition.js";

const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
/** The low two bits of the flags are what is returned when there is no such entry. */
const ACTION_MASK = 3;
const BPF_F_BROADCAST = 1 << 3;
const BPF_F_EXCLUDE_INGRESS = 1 << 4;

const deviceMaps: ReadonlySet<number> = new Set([mapTypeId("devmap"), mapTypeId("devmap_hash")]);

/** bpf_redirect_map(): to a device, a CPU or an AF_XDP socket that a map names. */
export const redirectMapHelpers: HelperFamily = (define, { runtime, maps, redirect }) => {
  const key = runtime.memory.alloc(8);
  define(
    "redirect_map",
    "int",
    (map, index, flags) => {
      const words = runtime.memory.u32;
      const isDeviceMap = deviceMaps.has(words[(map + mapHeader.TYPE) >>> 2]!);
      const known = ACTION_MASK | (isDeviceMap ? BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS : 0);
      if ((flags & ~known) !== 0 || runtime.registerHigh(3) !== 0) return XDP_ABORTED;
      words[key >>> 2] = index;
      const value = maps.functions.lookup(map, key) >>> 0;
      const broadcasts = (flags & BPF_F_BROADCAST) !== 0;
      redirect.clear();
      if (value === 0 && !broadcasts) return flags & ACTION_MASK;
      redirect.kind = "map";
      redirect.index = index >>> 0;
      redirect.map = map >>> 0;
      redirect.flags = flags;
      redirect.value = broadcasts ? 0 : value;
      return XDP_REDIRECT;
    },
    { wide: true },
  );
};
