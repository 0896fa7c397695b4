import { AF_INET, AF_INET6, EBADMSG, EINVAL } from "../../abi/index.js";
import type { LinearMemory } from "../../wasm/index.js";
import { XdpContext } from "../xdp-context.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
const BPF_F_INGRESS = 1;
/** Bytes of `struct bpf_redir_neigh`: the family, and an address of 4 or 16 bytes. */
const REDIR_NEIGH_SIZE = 20;

/** Redirection to a device. The packet goes there if the program then returns what these helpers return. */
export const redirectHelpers: HelperFamily = (define, environment) => {
  const { runtime, redirect } = environment;
  const toDevice = (kind: "device" | "peer" | "neigh", index: number, flags: number) => {
    redirect.clear();
    redirect.kind = kind;
    redirect.index = index >>> 0;
    redirect.flags = flags;
    return TC_ACT_REDIRECT;
  };
  const wide = { wide: true };
  define(
    "redirect",
    "int",
    (index, flags) => {
      if (runtime.run.context instanceof XdpContext) {
        if (flags !== 0 || !isNarrow(runtime, 2)) return XDP_ABORTED;
        toDevice("device", index, 0);
        return XDP_REDIRECT;
      }
      if ((flags & ~BPF_F_INGRESS) !== 0 || !isNarrow(runtime, 2)) return TC_ACT_SHOT;
      return toDevice("device", index, flags);
    },
    wide,
  );
  define(
    "clone_redirect",
    "int",
    (_ctx, index, flags) => {
      const skb = skbContext(runtime);
      if ((flags & ~BPF_F_INGRESS) !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      if (skb.segmented) return -EBADMSG;
      if (!environment.network.devices.has(index >>> 0)) return -EINVAL;
      return environment.clone(index >>> 0, flags);
    },
    wide,
  );
  define(
    "redirect_peer",
    "int",
    (index, flags) => (flags !== 0 || !isNarrow(runtime, 2) ? TC_ACT_SHOT : toDevice("peer", index, 0)),
    wide,
  );
  define(
    "redirect_neigh",
    "int",
    (index, parameters, length, flags) => {
      const isTooShort = length !== 0 && length < REDIR_NEIGH_SIZE;
      if (isTooShort || flags !== 0 || !isNarrow(runtime, 4)) return TC_ACT_SHOT;
      const nextHop = length === 0 ? undefined : readNextHop(runtime.memory, parameters >>> 0);
      toDevice("neigh", index, 0);
      redirect.nextHop = nextHop;
      return TC_ACT_REDIRECT;
    },
    wide,
  );
};

/** The neighbour that a program names itself; undefined for a family that has none. */
function readNextHop(memory: LinearMemory, at: number): Uint8Array | undefined {
  const family = memory.u32[at >>> 2]!;
  if (family === AF_INET) return memory.copy(at + 4, 4);
  return family === AF_INET6 ? memory.copy(at + 4, 16) : undefined;
}
