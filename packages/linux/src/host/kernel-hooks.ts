import type { AttachType } from "@tsbpf/core/abi";
import type {
  BpfMap,
  CookieOptions,
  DeviceHooks,
  KprobeMultiOptions,
  KprobeOptions,
  PerfEventOptions,
  Program,
  TracingHooks,
  UprobeMultiOptions,
  UprobeOptions,
} from "@tsbpf/core/host";
import {
  type Attachment,
  attachAction,
  attachCgroup,
  attachClassicFilter,
  attachClsact,
  attachIterator,
  attachKprobe,
  attachKprobeMulti,
  attachLwt,
  attachNetfilter,
  attachNetworkNamespace,
  attachPerf,
  attachRawTracepoint,
  attachReplacement,
  attachReuseport,
  attachSocketFilter,
  attachSockmap,
  attachStructOps,
  attachTcx,
  attachTracepoint,
  attachUprobe,
  attachUprobeMulti,
  attachUsdt,
  attachXdp,
  type ClsactOptions,
  type Direction,
  type IteratorLink,
  type IteratorOptions,
  type KernelLink,
  type LwtRoute,
  type NetfilterOptions,
  OpenLinks,
  type TcxOptions,
  type UsdtOptions,
  type XdpOptions,
} from "../attach/index.js";
import type { NetworkNamespace } from "../sys/index.js";

/**
 * Every way to attach a program to the running kernel. Each returns a link that detaches when it is closed, at the latest
 * with the host. Devices and network namespaces are those that the calling thread sees.
 */
export abstract class KernelHooks implements DeviceHooks, TracingHooks {
  /** @internal */
  protected readonly links = new OpenLinks();

  /** Attachments that stay in the kernel if this process is killed (kill -9): netlink XDP and clsact filters. */
  get outlivingLinks(): readonly Attachment[] {
    return this.links.outliving();
  }

  /** XDP on a device: by a bpf_link, or by netlink when asked to. */
  attachXdp(program: Program, device: string | number, options: XdpOptions = {}): KernelLink {
    return this.links.add(attachXdp(program, device, options));
  }

  /** A tc program by a tcx link. Since 6.6. */
  attachTcx(program: Program, device: string | number, direction: Direction, options: TcxOptions = {}): KernelLink {
    return this.links.add(attachTcx(program, device, direction, options));
  }

  /** A tc program by a filter on the clsact qdisc. */
  attachClsact(
    program: Program,
    device: string | number,
    direction: Direction,
    options: ClsactOptions = {},
  ): Attachment {
    return this.links.add(attachClsact(program, device, direction, options));
  }

  /** A program of type sched_act as an action of tc, for every packet. */
  attachAction(
    program: Program,
    device: string | number,
    direction: Direction,
    options: ClsactOptions = {},
  ): Attachment {
    return this.links.add(attachAction(program, device, direction, options));
  }

  /** Any cgroup program, on a cgroup v2 folder. */
  attachCgroup(program: Program, cgroup: string, attachType?: AttachType): KernelLink {
    return this.links.add(attachCgroup(program, cgroup, attachType));
  }

  /** sk_lookup and flow dissector programs. */
  attachNetworkNamespace(program: Program, namespace?: NetworkNamespace): KernelLink {
    return this.links.add(attachNetworkNamespace(program, namespace));
  }

  /** A netfilter program. Since 6.4. */
  attachNetfilter(program: Program, options: NetfilterOptions): KernelLink {
    return this.links.add(attachNetfilter(program, options));
  }

  /** A route whose packets go through an lwt_in, lwt_out or lwt_xmit program. */
  attachLwt(program: Program, route: LwtRoute): Attachment {
    return this.links.add(attachLwt(program, route));
  }

  /** A socket filter on a socket's fd. */
  attachSocketFilter(program: Program, socket: number): Attachment {
    return this.links.add(attachSocketFilter(program, socket));
  }

  /** The choice among the sockets of a SO_REUSEPORT group. */
  attachReuseport(program: Program, socket: number): Attachment {
    return this.links.add(attachReuseport(program, socket));
  }

  /** sk_msg and sk_skb programs on a sockmap or sockhash. */
  attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): Attachment {
    return this.links.add(attachSockmap(program, map, attachType));
  }

  /** A tracepoint of tracefs: `"syscalls/sys_enter_execve"`. */
  attachTracepoint(program: Program, name?: string, options: CookieOptions = {}): KernelLink {
    return this.links.add(attachTracepoint(program, name, options));
  }

  /** Raw and BTF-typed tracepoints, fentry, fexit, fmod_ret, LSM. */
  attachRawTracepoint(program: Program, name?: string, options: CookieOptions = {}): KernelLink {
    return this.links.add(attachRawTracepoint(program, name, options));
  }

  /** Samples of a perf event. */
  attachPerf(program: Program, options: PerfEventOptions): KernelLink {
    return this.links.add(attachPerf(program, options));
  }

  /** Entry or return of a function in an executable or library. */
  attachUprobe(program: Program, path: string, options: UprobeOptions): KernelLink {
    return this.links.add(attachUprobe(program, path, options));
  }

  /** Many functions of one file. Since 6.6. */
  attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): KernelLink {
    return this.links.add(attachUprobeMulti(program, path, options));
  }

  /** A statically defined tracepoint of a program: `"provider:probe"`. */
  attachUsdt(program: Program, path: string, name: string, options: UsdtOptions = {}): KernelLink {
    return this.links.add(attachUsdt(program, path, name, options));
  }

  /** Entry or return of a kernel function. */
  attachKprobe(program: Program, options: KprobeOptions = {}): KernelLink {
    return this.links.add(attachKprobe(program, options));
  }

  /** Many kernel functions. Since 5.18. */
  attachKprobeMulti(program: Program, options: KprobeMultiOptions): KernelLink {
    return this.links.add(attachKprobeMulti(program, options));
  }

  /** A BPF iterator, to be read. Since 5.8. */
  attachIterator(program: Program, options: IteratorOptions = {}): IteratorLink {
    return this.links.add(attachIterator(program, options));
  }

  /** A program in place of a function of another (freplace). */
  attachReplacement(program: Program): KernelLink {
    return this.links.add(attachReplacement(program));
  }

  /** An implementation of a kernel interface. */
  attachStructOps(map: BpfMap): KernelLink {
    return this.links.add(attachStructOps(map));
  }

  /** A classic BPF filter (`tcpdump -ddd`) on a socket's fd. It goes with the socket. */
  attachClassicFilter(instructions: Uint8Array, socket: number): { close(): void; [Symbol.dispose](): void } {
    return attachClassicFilter(instructions, socket);
  }
}
