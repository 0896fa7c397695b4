import { EAFNOSUPPORT, EEXIST, EINVAL, ENETUNREACH, EOPNOTSUPP, EPROTOTYPE } from "../../abi/index.js";
import { SkLookupContext } from "../contexts/index.js";
import { SkbContext } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

const REPLACE = 1;
const NO_REUSEPORT = 2;
const ESOCKTNOSUPPORT = 94;
const TCP_LISTEN = 10;

/** bpf_sk_assign(): which socket a packet is for, said by tc or by the lookup's own programs. */
export const socketChoiceHelpers: HelperFamily = (define, environment) => {
  const { runtime, sockets } = environment;
  const fromTc = (skb: SkbContext, pointer: number, flags: number): number => {
    if (flags !== 0) return -EINVAL;
    if (!skb.atIngress) return -EOPNOTSUPP;
    const socket = sockets.at(pointer);
    if (socket === undefined || !environment.network.sockets.includes(socket)) return -ENETUNREACH;
    skb.assigned = socket;
    return 0;
  };
  const fromLookup = (context: SkLookupContext, pointer: number, flags: number): number => {
    if ((flags & ~(REPLACE | NO_REUSEPORT)) !== 0) return -EINVAL;
    const socket = pointer === 0 ? undefined : sockets.at(pointer);
    if (socket !== undefined) {
      if (socket.protocol === "tcp" && socket.state !== TCP_LISTEN) return -ESOCKTNOSUPPORT;
      if (socket.protocol !== context.protocol) return -EPROTOTYPE;
      if (socket.localAddress.length !== context.addressLength) return -EAFNOSUPPORT;
    }
    if (context.chosen !== undefined && !(flags & REPLACE)) return -EEXIST;
    context.choose(socket);
    context.skipsReuseport = (flags & NO_REUSEPORT) !== 0;
    return 0;
  };
  define(
    "sk_assign",
    "int",
    (_ctx, pointer, flags) => {
      const { context } = runtime.run;
      if (!isNarrow(runtime, 3)) return -EINVAL;
      if (context instanceof SkLookupContext) return fromLookup(context, pointer, flags);
      return context instanceof SkbContext ? fromTc(context, pointer, flags) : -EINVAL;
    },
    { wide: true },
  );
};
