import type { AttachType } from "../abi/index.js";
import type { Link } from "./link.js";
import type { BpfMap } from "./map.js";
import type { Program } from "./program.js";

/** Where a netfilter program is asked. */
export interface NetfilterOptions {
  readonly family: "ipv4" | "ipv6";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  /** Order among the hook's functions, lowest first; neither -2^31 nor 2^31 - 1. */
  readonly priority: number;
}

/** A route whose packets go through a program. */
export interface LwtRoute {
  /** `"10.1.0.0/16"` */
  readonly destination: string;
  readonly device: string | number;
  /** `"10.0.0.1"` */
  readonly gateway?: string | undefined;
}

/** Hooks on sockets, control groups and network namespaces. Sockets are named by their file descriptors. */
export interface SocketHooks {
  /**
   * A program of a cgroup (v2) and of everything below it, by a link. Since 5.7.
   *
   * @param cgroup Its path.
   * @param attachType Where the program doesn't say it itself: the direction of a cgroup_skb program ...
   * @throws SyscallError ENOENT, EINVAL for a program of another type.
   */
  attachCgroup(program: Program, cgroup: string, attachType?: AttachType): Link;
  /** An sk_msg program, or an sk_skb parser or verdict, for the sockets that are put into a map from then on. */
  attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): Link;
  /** An sk_lookup program or a flow dissector of the current network namespace. */
  attachNetworkNamespace(program: Program): Link;
  /** Filters what a socket receives. @throws SyscallError EBADF, ENOTSOCK, EINVAL. */
  attachSocketFilter(program: Program, socket: number): Link;
  /** Chooses among the sockets that share a port: by any of them. @throws SyscallError as above. */
  attachReuseport(program: Program, socket: number): Link;
  /** A netfilter program of the current network namespace. Since 6.4. @throws SyscallError EBUSY, EINVAL, ERANGE. */
  attachNetfilter(program: Program, options: NetfilterOptions): Link;
  /** Adds a route whose packets go through a program (lwt_in, lwt_out, lwt_xmit), until the link is closed. Since 4.10. */
  attachLwt(program: Program, route: LwtRoute): Link;
}
