import { EINVAL, ENOENT, EOPNOTSUPP, EPROTOTYPE } from "../../abi/index.js";
import { handleSlot } from "../../maps/index.js";
import { SkMsgContext, SkReuseportContext, SockOpsContext } from "../contexts/index.js";
import type { NetworkSocket } from "../network-tables.js";
import { SkbContext } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

const SK_DROP = 0;
const SK_PASS = 1;
const BPF_F_INGRESS = 1;
const TCP_LISTEN = 10;
const EBADFD = 77;
/** Operations in which a connection may be put into a map: established by either side, and listening. */
const MAP_OPERATIONS: ReadonlySet<number> = new Set([4, 5, 11]);

/** Sockets in maps: putting them in, sending data to them, choosing one of a group. */
export const socketMapHelpers: HelperFamily = (define, environment) => {
  const { runtime, maps, sockets } = environment;
  const { memory } = runtime;
  const wide = { wide: true };
  const heldAt = (map: number, key: number): NetworkSocket | undefined => {
    const value = maps.functions.lookup(map, key);
    return value === 0 ? undefined : sockets.held(memory.u32[(value + handleSlot.HANDLE) >>> 2]!);
  };
  let index = 0;
  const indexKey = (value: number) => {
    index ||= memory.alloc(8);
    memory.u32[index >>> 2] = value;
    return index;
  };

  const put = (map: number, key: number, flags: number): number => {
    const { context } = runtime.run;
    const live = maps.mapAt(map >>> 0);
    if (!(context instanceof SockOpsContext) || live === undefined || !isNarrow(runtime, 4)) return -EINVAL;
    if (!MAP_OPERATIONS.has(context.op) || context.socket?.fd === undefined) return -EOPNOTSUPP;
    const value = new Uint8Array(live.valueSize);
    new DataView(value.buffer).setUint32(0, context.socket.fd, true);
    return live.update(memory.copy(key >>> 0, live.keySize), value, flags);
  };
  define("sock_map_update", "int", (_ctx, map, key, flags) => put(map, key, flags), wide);
  define("sock_hash_update", "int", (_ctx, map, key, flags) => put(map, key, flags), wide);

  const redirect = (socket: NetworkSocket | undefined, flags: number): number => {
    const { context } = runtime.run;
    if ((flags & ~BPF_F_INGRESS) !== 0 || socket === undefined || socket.state === TCP_LISTEN) return SK_DROP;
    if (context instanceof SkMsgContext) context.redirect = { socket, flags };
    else if (context instanceof SkbContext) context.skRedirect = { socket, flags };
    else return SK_DROP;
    return SK_PASS;
  };
  for (const name of ["sk_redirect_map", "msg_redirect_map"])
    define(
      name,
      "int",
      (_ctx, map, at, flags) => (isNarrow(runtime, 4) ? redirect(heldAt(map, indexKey(at)), flags) : SK_DROP),
      wide,
    );
  for (const name of ["sk_redirect_hash", "msg_redirect_hash"])
    define(
      name,
      "int",
      (_ctx, map, key, flags) => (isNarrow(runtime, 4) ? redirect(heldAt(map, key), flags) : SK_DROP),
      wide,
    );

  define(
    "sk_select_reuseport",
    "int",
    (_ctx, map, key, flags) => {
      const { context } = runtime.run;
      if (!(context instanceof SkReuseportContext) || flags !== 0 || !isNarrow(runtime, 4)) return -EINVAL;
      const chosen = heldAt(map, key);
      const group = context.socket;
      if (chosen === undefined || group === undefined) return -ENOENT;
      if (chosen.protocol !== group.protocol) return -EPROTOTYPE;
      if (chosen.localPort !== group.localPort) return -EBADFD;
      context.chosen = chosen;
      return 0;
    },
    wide,
  );
};
