import { AF_INET6 } from "../../abi/index.js";
import type { KernelObject, KernelValue } from "../kernel-object.js";
import type { NetworkSocket } from "../network-tables.js";
import { protocolOf, socketFamily } from "../socket-view.js";
import type { HelperFamily } from "./definition.js";

/** Kinds of sockets that nothing here is: requests, those in TIME_WAIT, of other protocols. */
const others = ["skc_to_tcp_timewait_sock", "skc_to_tcp_request_sock", "skc_to_unix_sock", "skc_to_mptcp_sock"];

/** Sockets as structs of the kernel, with the members that the machine knows; the others are 0. */
export const kernelSocketHelpers: HelperFamily = (define, environment) => {
  const { runtime, sockets, kernel } = environment;
  const objects = new WeakMap<NetworkSocket, KernelObject>();
  /** The socket as a struct of the kernel: of TCP's, or within TCP's or UDP's of IPv6. */
  const cast =
    (struct: string, fits: (socket: NetworkSocket) => boolean, members: (socket: NetworkSocket) => Members) =>
    (pointer: number) => {
      const socket = sockets.at(pointer);
      if (socket === undefined || !fits(socket)) return 0;
      if (kernel.types === undefined) return runtime.fault(`a struct ${struct} takes the kernel's types`);
      let object = objects.get(socket);
      if (object === undefined || object.typeName !== struct) {
        object = kernel.create(struct);
        objects.set(socket, object);
        sockets.whenGone(socket, object);
      }
      object.set(members(socket));
      return object.address;
    };
  const isTcp = ({ protocol, tcp }: NetworkSocket) => protocol === "tcp" && tcp !== undefined;
  const isIpv6 = (socket: NetworkSocket) => socketFamily(socket) === AF_INET6;
  define("skc_to_tcp_sock", "uint", cast("tcp_sock", isTcp, tcpMembers));
  define(
    "skc_to_tcp6_sock",
    "uint",
    cast(
      "tcp6_sock",
      (socket) => isTcp(socket) && isIpv6(socket),
      (socket) => ({ tcp: tcpMembers(socket) }),
    ),
  );
  define(
    "skc_to_udp6_sock",
    "uint",
    cast(
      "udp6_sock",
      (socket) => socket.protocol === "udp" && isIpv6(socket),
      (socket) => ({ udp: { inet: inetMembers(socket) } }),
    ),
  );
  for (const name of others) define(name, "uint", () => 0);
};

type Members = { readonly [member: string]: KernelValue };

function inetMembers(socket: NetworkSocket): Members {
  const { type, number } = protocolOf(socket);
  return {
    sk: {
      __sk_common: {
        skc_family: socketFamily(socket),
        skc_state: socket.state ?? 0,
        skc_bound_dev_if: socket.boundDevice ?? 0,
      },
      sk_mark: socket.mark ?? 0,
      sk_priority: socket.priority ?? 0,
      sk_type: type,
      sk_protocol: number,
    },
  };
}

function tcpMembers(socket: NetworkSocket): Members {
  const tcp = socket.tcp!;
  return {
    inet_conn: { icsk_inet: inetMembers(socket) },
    snd_cwnd: tcp.congestionWindow,
    srtt_us: tcp.smoothedRoundTrip,
    snd_ssthresh: tcp.slowStartThreshold,
    rcv_nxt: tcp.receiveNext,
    snd_nxt: tcp.sendNext,
    snd_una: tcp.unacknowledged,
    mss_cache: tcp.maximumSegment,
    packets_out: tcp.packetsOut,
    total_retrans: tcp.retransmissions,
    segs_in: tcp.segmentsIn,
    segs_out: tcp.segmentsOut,
    data_segs_in: tcp.dataSegmentsIn,
    data_segs_out: tcp.dataSegmentsOut,
    bytes_received: tcp.bytesReceived,
    bytes_acked: tcp.bytesAcknowledged,
    delivered: tcp.delivered,
  };
}
