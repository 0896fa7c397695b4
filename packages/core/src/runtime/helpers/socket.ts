import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { SocketView } from "../socket-view.js";
import type { HelperFamily } from "./definition.js";

const IPV4_TUPLE = 12;
const IPV6_TUPLE = 36;

/** What the only network namespace is called. */
const NETNS_COOKIE = 1;
/** The root of the control groups, which everything here is in. */
const ROOT_CGROUP = 1;

/** Socket lookups, answered from the caller's sockets, and what programs ask of a socket. */
export const socketHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  const views = new Map<NetworkSocket, SocketView>();
  const viewOf = (socket: NetworkSocket) => {
    const known = views.get(socket) ?? new SocketView(runtime);
    known.setSocket(socket);
    views.set(socket, known);
    return known.address;
  };
  const lookup =
    (protocol: "tcp" | "udp") => (_ctx: number, tuple: number, size: number, namespace: number, flags: number) => {
      const isHere = namespace === -1 && (runtime.registerHigh(4) === -1 || runtime.registerHigh(4) === 0);
      if ((size !== IPV4_TUPLE && size !== IPV6_TUPLE) || flags !== 0 || runtime.registerHigh(5) !== 0 || !isHere)
        return 0;
      const { local, remote } = readTuple(runtime, tuple >>> 0, size === IPV4_TUPLE ? 4 : 16);
      const found = environment.network.socket(protocol, local, remote);
      return found === undefined ? 0 : viewOf(found);
    };
  const wide = { wide: true };
  define("sk_lookup_tcp", "uint", lookup("tcp"), wide);
  define("sk_lookup_udp", "uint", lookup("udp"), wide);
  define("skc_lookup_tcp", "uint", lookup("tcp"), wide);
  define("sk_release", "int", () => 0);
  // All sockets here are whole ones: no request and no time-wait sockets.
  define("sk_fullsock", "uint", (socket) => socket);
  // None of them has a TCP connection's inner state, nor a listener behind it.
  define("tcp_sock", "uint", () => 0);
  define("get_listener_sock", "uint", () => 0);
  const ofSocket = (socket: number) => {
    for (const [known, { address }] of views) if (address === socket >>> 0) return known;
    return undefined;
  };
  define("get_socket_cookie", "wide", (socket) => {
    const cookie = BigInt.asIntN(64, ofSocket(socket)?.cookie ?? 1n);
    runtime.setRegister(0, Number(BigInt.asIntN(32, cookie)), Number(cookie >> 32n));
    return 0;
  });
  define("get_socket_uid", "uint", () => 0);
  define("get_netns_cookie", "uint", () => NETNS_COOKIE);
  define("skb_cgroup_id", "uint", () => ROOT_CGROUP);
  // The root is its own ancestor at level 0, and has no others.
  define("skb_ancestor_cgroup_id", "uint", (_ctx, level) => (level === 0 ? ROOT_CGROUP : 0));
  define("sk_cgroup_id", "uint", () => ROOT_CGROUP);
};

/** A tuple as a packet has it: from the remote end to the local one. */
function readTuple(runtime: Runtime, at: number, length: 4 | 16) {
  const { memory } = runtime;
  const port = (offset: number) => memory.view.getUint16(at + 2 * length + offset, false);
  return {
    remote: { address: memory.copy(at, length), port: port(0) },
    local: { address: memory.copy(at + length, length), port: port(2) },
  };
}
