import { AF_INET, AF_INET6, EAFNOSUPPORT, EINVAL } from "../../abi/index.js";
import { ancestorOf, type ControlGroup } from "../control-group.js";
import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { SkbContext, skBuff } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";

const IPV4_TUPLE = 12;
const IPV6_TUPLE = 36;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;
const TCP_LISTEN = 10;
/** Whom packets without a socket belong to. */
const OVERFLOW_UID = 65_534;

/** What the first network namespace is called. */
const NETNS_COOKIE = 1n;
/** The root of the control groups. */
const ROOT: ControlGroup = { id: 1n, parent: undefined };

/** Socket lookups, answered from the sockets of the namespace, and what programs ask of a socket, or want of it. */
export const socketHelpers: HelperFamily = (define, environment) => {
  const { runtime, sockets } = environment;
  const wide = { wide: true };
  const leave = (value: bigint) => {
    const signed = BigInt.asIntN(64, value);
    runtime.setRegister(0, Number(BigInt.asIntN(32, signed)), Number(signed >> 32n));
    return 0;
  };
  const lookup =
    (protocol: "tcp" | "udp") => (_ctx: number, tuple: number, size: number, namespace: number, flags: number) => {
      const isHere = namespace === -1 && (runtime.registerHigh(4) === -1 || runtime.registerHigh(4) === 0);
      if ((size !== IPV4_TUPLE && size !== IPV6_TUPLE) || flags !== 0 || runtime.registerHigh(5) !== 0 || !isHere)
        return 0;
      const { local, remote } = readTuple(runtime, tuple >>> 0, size === IPV4_TUPLE ? 4 : 16);
      const found = environment.network.socket(protocol, local, remote);
      return found === undefined ? 0 : sockets.view(found);
    };
  define("sk_lookup_tcp", "uint", lookup("tcp"), wide);
  define("sk_lookup_udp", "uint", lookup("udp"), wide);
  define("skc_lookup_tcp", "uint", lookup("tcp"), wide);
  define("sk_release", "int", () => 0);
  // All sockets here are whole ones: no request and no time-wait sockets.
  define("sk_fullsock", "uint", (socket) => socket);
  const ofSocket = <T>(pointer: number, what: (socket: NetworkSocket) => T, otherwise: T): T => {
    const socket = sockets.at(pointer);
    return socket === undefined ? otherwise : what(socket);
  };
  define("tcp_sock", "uint", (pointer) => ofSocket(pointer, (socket) => sockets.tcp(socket), 0));
  define("get_listener_sock", "uint", (pointer) => {
    const socket = sockets.at(pointer);
    if (socket?.protocol === "tcp" && socket.state === TCP_LISTEN) return pointer;
    return socket?.listener === undefined ? 0 : sockets.view(socket.listener);
  });
  define("get_socket_cookie", "wide", (pointer) => leave(ofSocket(pointer, ({ cookie }) => cookie ?? 1n, 1n)));
  define("get_socket_uid", "uint", (pointer) => {
    const known = sockets.at(pointer);
    if (known !== undefined) return known.uid ?? 0;
    // A test run's packet has a socket, though not one of the machine's; else nobody owns it.
    const { context } = runtime.run;
    return context instanceof SkbContext && context.field(skBuff.sk) === 0 ? OVERFLOW_UID : 0;
  });
  define("get_netns_cookie", "wide", (pointer) =>
    leave(ofSocket(pointer, ({ namespaceCookie }) => namespaceCookie ?? NETNS_COOKIE, NETNS_COOKIE)),
  );
  const groupOf = (pointer: number) => ofSocket(pointer, ({ cgroup }) => cgroup ?? ROOT, ROOT);
  const ancestor = (pointer: number, level: number) => ancestorOf(groupOf(pointer), level)?.id ?? 0n;
  for (const name of ["skb_cgroup_id", "sk_cgroup_id"]) define(name, "wide", (pointer) => leave(groupOf(pointer).id));
  for (const name of ["skb_ancestor_cgroup_id", "sk_ancestor_cgroup_id"])
    define(name, "wide", (pointer, level) => leave(ancestor(pointer, level)));
  define("setsockopt", "int", (pointer, level, name, value, size) => {
    const socket = sockets.at(pointer);
    if (socket?.setOption === undefined) return -EINVAL;
    const error = socket.setOption(level, name, runtime.memory.copy(value >>> 0, size));
    sockets.refresh(socket);
    return error;
  });
  define("getsockopt", "int", (pointer, level, name, value, size) => {
    const found = sockets.at(pointer)?.getOption?.(level, name, size) ?? -EINVAL;
    const to = value >>> 0;
    if (typeof found === "number") {
      runtime.memory.u8.fill(0, to, to + size);
      return found;
    }
    runtime.memory.u8.fill(0, to, to + size);
    runtime.memory.u8.set(found.subarray(0, size), to);
    return 0;
  });
  define("bind", "int", (_ctx, address, size) => {
    const socket = sockets.at(runtime.run.context.address);
    if (socket?.bindQuietly === undefined || size < 2) return -EINVAL;
    const { memory } = runtime;
    const at = address >>> 0;
    const family = memory.view.getUint16(at, true);
    if (family !== AF_INET && family !== AF_INET6) return -EAFNOSUPPORT;
    if (size < (family === AF_INET ? SOCKADDR_IN : SOCKADDR_IN6 - 4)) return -EINVAL;
    const bytes = family === AF_INET ? memory.copy(at + 4, 4) : memory.copy(at + 8, 16);
    const error = socket.bindQuietly(bytes, memory.view.getUint16(at + 2, false));
    sockets.refresh(socket);
    return error;
  });
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
