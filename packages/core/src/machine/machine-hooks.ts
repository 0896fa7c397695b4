import type { AttachType } from "../abi/index.js";
import type {
  BpfMap,
  ClsactOptions,
  CookieOptions,
  DeviceHooks,
  KprobeMultiOptions,
  KprobeOptions,
  Link,
  LwtRoute,
  NetfilterOptions,
  PerfEventOptions,
  Program,
  SocketHooks,
  TracingHooks,
  UprobeMultiOptions,
  UprobeOptions,
  XdpMode,
} from "../host/index.js";
import type { KernelValue } from "../runtime/index.js";
import type { Cgroup, CgroupAttachOptions, CgroupHooks } from "./cgroup/index.js";
import type { MachineLink } from "./machine-link.js";
import type { DeviceReference, MachineDeviceHooks, MachineSocketHooks, PacketSocket, Socket } from "./network/index.js";
import type {
  FiredRun,
  MachineIteratorLink,
  MachineIteratorOptions,
  MachineTracingHooks,
  StructOps,
} from "./tracing/index.js";

/** Who attaches what. */
export interface HookFamilies {
  readonly device: MachineDeviceHooks;
  readonly socket: MachineSocketHooks;
  readonly cgroup: CgroupHooks;
  readonly tracing: MachineTracingHooks;
  readonly structOps: StructOps;
}

/** The hooks of a Machine: everything that attaches programs, by the families that do it. */
export abstract class MachineHooks implements DeviceHooks, SocketHooks, TracingHooks {
  /** @internal */
  protected abstract readonly hooks: HookFamilies;

  /** An XDP program on a device of the current namespace. Errors as {@link DeviceHooks} says. */
  attachXdp(
    program: Program,
    device: DeviceReference,
    options: { readonly mode?: XdpMode | undefined } = {},
  ): MachineLink {
    return this.hooks.device.attachXdp(program, device, options);
  }

  /** A tc program by a tcx link. */
  attachTcx(
    program: Program,
    device: DeviceReference,
    direction: "ingress" | "egress",
    options: { readonly before?: Link | undefined; readonly after?: Link | undefined } = {},
  ): MachineLink {
    return this.hooks.device.attachTcx(program, device, direction, options);
  }

  /**
   * A tc program by a filter on the device's clsact qdisc. Without `directAction` it returns a class, and any but 0 lets
   * the packet pass.
   */
  attachClsact(
    program: Program,
    device: DeviceReference,
    direction: "ingress" | "egress",
    options: ClsactOptions & { readonly directAction?: boolean | undefined } = {},
  ): MachineLink {
    return this.hooks.device.attachClsact(program, device, direction, options);
  }

  /** A tracepoint; it fires with `fire.tracepoint()`. Errors of these as {@link TracingHooks} says. */
  attachTracepoint(program: Program, name?: string, options?: CookieOptions): MachineLink {
    return this.hooks.tracing.attachTracepoint(program, name, options);
  }

  /** Raw and BTF-typed tracepoints (`fire.rawTracepoint()`), fentry, fexit, fmod_ret (`fire.kernelCall()`), LSM (`fire.lsm()`). */
  attachRawTracepoint(program: Program, name?: string, options?: CookieOptions): MachineLink {
    return this.hooks.tracing.attachRawTracepoint(program, name, options);
  }

  /** Entry or return of a kernel function; it fires with `fire.kernelCall()`. */
  attachKprobe(program: Program, options?: KprobeOptions): MachineLink {
    return this.hooks.tracing.attachKprobe(program, options);
  }

  attachKprobeMulti(program: Program, options: KprobeMultiOptions): MachineLink {
    return this.hooks.tracing.attachKprobeMulti(program, options);
  }

  /** A place in a file, which the Machine does not read; it fires with `fire.userCall()` for the same path and place. */
  attachUprobe(program: Program, path: string, options: UprobeOptions): MachineLink {
    return this.hooks.tracing.attachUprobe(program, path, options);
  }

  attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): MachineLink {
    return this.hooks.tracing.attachUprobeMulti(program, path, options);
  }

  /** Samples of a perf event; it fires with `fire.perfSample()`. */
  attachPerf(program: Program, options: PerfEventOptions): MachineLink {
    return this.hooks.tracing.attachPerf(program, options);
  }

  /** Puts a struct_ops map in force: its members are called with {@link callStructOps}. */
  attachStructOps(map: BpfMap): MachineLink {
    return this.hooks.structOps.attach(map);
  }

  /** Calls a member of a struct_ops map in force, as the kernel would. Errors as `StructOps.call` says. */
  callStructOps(map: BpfMap, member: string, args: readonly KernelValue[]): FiredRun | undefined {
    return this.hooks.structOps.call(map, member, args);
  }

  /** An iterator over a map's elements, over the Machine's tasks, or over what the caller gives. */
  attachIterator(program: Program, options?: MachineIteratorOptions): MachineIteratorLink {
    return this.hooks.tracing.attachIterator(program, options);
  }

  /**
   * A program of a cgroup and of everything below it: packets of its sockets, calls on them, what connections do.
   *
   * @param cgroup itself, or its path from the root.
   * @param attachType where the program doesn't say it itself: the direction of a cgroup_skb program.
   * @throws SyscallError ENOENT, EINVAL for a program of another type, EPERM where a cgroup above or the programs that are
   * there do not allow it, E2BIG for more than 64.
   */
  attachCgroup(
    program: Program,
    cgroup: Cgroup | string,
    attachType?: AttachType,
    options: CgroupAttachOptions = {},
  ): MachineLink {
    return this.hooks.cgroup.attach(program, cgroup, attachType, options);
  }

  /** Programs of maps of sockets: sk_msg, and sk_skb parsers and verdicts. Errors of these as {@link SocketHooks} says. */
  attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): MachineLink {
    return this.hooks.socket.attachSockmap(program, map, attachType);
  }

  /** An sk_lookup program, or the flow dissector, of the current namespace. */
  attachNetworkNamespace(program: Program): MachineLink {
    return this.hooks.socket.attachNetworkNamespace(program);
  }

  attachSocketFilter(program: Program, socket: Socket | PacketSocket | number): MachineLink {
    return this.hooks.socket.attachSocketFilter(program, socket);
  }

  /** A filter of classic BPF (SO_ATTACH_FILTER), 8 bytes an instruction; the result takes it away again. */
  attachClassicFilter(
    instructions: Uint8Array,
    socket: Socket | PacketSocket | number,
  ): { close(): void; [Symbol.dispose](): void } {
    return this.hooks.socket.attachClassicFilter(instructions, socket);
  }

  /**
   * A netfilter program of the current namespace. What its context points to is there when the Machine has the kernel's
   * types (`kernelTypes`).
   */
  attachNetfilter(program: Program, options: NetfilterOptions): MachineLink {
    return this.hooks.socket.attachNetfilter(program, options);
  }

  /** A route of the current namespace whose packets go through a program. */
  attachLwt(program: Program, route: LwtRoute): MachineLink {
    return this.hooks.socket.attachLwt(program, route);
  }

  /** An sk_reuseport program, or a socket filter that returns a number in the group. */
  attachReuseport(program: Program, socket: Socket | number): MachineLink {
    return this.hooks.socket.attachReuseport(program, socket);
  }
}
