import type { AttachType } from "../abi/index.js";
import type { Link } from "./link.js";
import type { BpfMap } from "./map.js";
import type { Program } from "./program.js";

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
}
