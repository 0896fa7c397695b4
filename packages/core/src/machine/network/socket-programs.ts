import { type AttachType, EFAULT } from "../../abi/index.js";
import {
  type DeviceAccess,
  DeviceContext,
  type Environment,
  SKB_MAX_LENGTH,
  SkbContext,
  SOCKOPT_VALUE_MAX,
  SockAddrContext,
  SockContext,
  type SocketOperation,
  SockOpsContext,
  SockoptContext,
  SysctlContext,
  skBuff,
} from "../../runtime/index.js";
import type { Cgroup } from "../cgroup/index.js";
import type { CgroupPrograms } from "./cgroup-programs.js";
import type { Device } from "./device.js";
import { ETH_HLEN, type IpPacket } from "./ip-packet.js";
import type { Namespace } from "./namespace.js";
import type { ProgramRun } from "./program-run.js";
import type { Socket, SocketFilter } from "./socket.js";

const CONGESTION = 1;
/** Bytes of a value that is set which programs may grow it to. */
const SOCKOPT_ROOM = 16;

/** What programs made of an address. */
export interface HookedAddress {
  /** 0, or the negative errno that the call gets. */
  readonly error: number;
  readonly address: Uint8Array;
  readonly port: number;
  /** Where the datagram is to be sent from. */
  readonly source: Uint8Array | undefined;
}

/** Whom a hook's programs are for. */
interface Place {
  readonly cgroup: Cgroup;
  readonly namespace: Namespace;
  readonly type: AttachType;
}

/** Runs the programs of cgroups on what their sockets do. Each hook costs a look into a table where nothing is attached. */
export class SocketPrograms {
  readonly #environment: Environment;
  readonly #programs: CgroupPrograms;
  readonly #run: ProgramRun;
  readonly #sock: SockContext;
  readonly #address: SockAddrContext;
  readonly #option: SockoptContext;
  readonly #operation: SockOpsContext;
  readonly #sysctl: SysctlContext;
  readonly #device: DeviceContext;
  #skb: SkbContext | undefined;

  constructor(run: ProgramRun, programs: CgroupPrograms) {
    const { environment } = run;
    this.#run = run;
    const { runtime, sockets } = environment;
    this.#environment = environment;
    this.#programs = programs;
    this.#sock = new SockContext(runtime);
    this.#address = new SockAddrContext(runtime, sockets);
    this.#option = new SockoptContext(runtime, sockets);
    this.#operation = new SockOpsContext(runtime, sockets);
    this.#sysctl = new SysctlContext(runtime);
    this.#device = new DeviceContext(runtime);
  }

  /** A socket is made, bound or closed: 0, or a negative errno. Programs may set its device, mark and priority. */
  socket(socket: Socket, type: AttachType): number {
    const place = placeOf(socket, type);
    if (!this.#programs.has(place.cgroup, type)) return 0;
    this.#sock.load(socket);
    const error = this.#programs.run(place, this.#sock);
    const { boundDevice, mark, priority } = this.#sock.changes;
    socket.boundDevice = boundDevice === 0 ? undefined : boundDevice;
    socket.mark = mark;
    socket.priority = priority;
    return error;
  }

  /** A call with an address, which programs may change, and refuse. */
  address(
    socket: Socket,
    call: "bind" | "connect" | "sendmsg" | "recvmsg" | "getpeername" | "getsockname",
    address: Uint8Array,
    port: number,
    source?: Uint8Array,
  ): HookedAddress {
    const { version } = socket.family;
    const prefix = call === "sendmsg" || call === "recvmsg" ? "cgroup_udp" : "cgroup_inet";
    const type = `${prefix}${version}_${call}` as AttachType;
    const place = placeOf(socket, type);
    if (!this.#programs.has(place.cgroup, type)) return { error: 0, address, port, source };
    const context = this.#address;
    context.load(socket, address, port, source);
    const error = this.#programs.run(place, context);
    const { userAddress, userPort, sourceAddress } = context;
    const changed = sourceAddress.some((byte) => byte !== 0) ? sourceAddress : undefined;
    return { error, address: userAddress, port: userPort, source: source === undefined ? undefined : changed };
  }

  /**
   * A packet goes out of, or has come for, a socket: 0, or a negative errno; a positive number where it is dropped and
   * nobody is told.
   *
   * @param frame with its Ethernet header.
   */
  packet(socket: Socket, direction: "ingress" | "egress", frame: Uint8Array, device: Device): number {
    const type: AttachType = direction === "ingress" ? "cgroup_inet_ingress" : "cgroup_inet_egress";
    const place = placeOf(socket, type);
    if (!this.#programs.has(place.cgroup, type)) return 0;
    const skb = this.loadPacket(socket, frame, device);
    skb.setField(skBuff.ingressIfindex, direction === "ingress" ? device.index : 0);
    let flags = 0;
    const error = this.#programs.run(place, skb, {
      each: (result) => {
        flags |= result >> 1;
        return undefined;
      },
    });
    return error !== 0 && flags & CONGESTION && direction === "egress" ? 1 : error;
  }

  /** A packet as programs of its socket see it: from the network header on. */
  loadPacket(socket: Socket, frame: Uint8Array, device: Device): SkbContext {
    this.#skb ??= new SkbContext(this.#environment.runtime);
    const skb = this.#skb;
    skb.load(frame, 0, frame.length, true);
    skb.attachSocket(socket, this.#environment.sockets.view(socket));
    skb.setField(skBuff.pktType, 0);
    skb.setField(skBuff.ifindex, device.index);
    skb.setField(skBuff.mark, socket.mark);
    skb.setField(skBuff.priority, socket.priority);
    return skb;
  }

  /**
   * What a socket's filter lets in of a packet, in bytes from the transport header on; 0 for nothing. The transport header
   * is let in whole.
   */
  filter(socket: Socket, packet: IpPacket): number {
    const { filter } = socket;
    const length = packet.end - packet.payload;
    if (filter === undefined) return length;
    if ("classic" in filter) return Math.min(length, filter.classic(packet.bytes.subarray(packet.payload, packet.end)));
    const skb = this.loadPacket(socket, packet.bytes.subarray(0, packet.end), packet.device);
    skb.skipHeader(packet.payload - ETH_HLEN);
    return Math.min(length, this.#run.runIn(filter.program, skb, socket.namespace));
  }

  /** What a packet socket's filter keeps of a frame, in bytes from its Ethernet header on; 0 for nothing. */
  filterFrame(filter: SocketFilter, frame: Uint8Array, device: Device): number {
    if ("classic" in filter) return Math.min(frame.length, filter.classic(frame));
    this.#skb ??= new SkbContext(this.#environment.runtime);
    const skb = this.#skb;
    if (frame.length > SKB_MAX_LENGTH) return 0;
    skb.load(frame);
    skb.detachSocket();
    skb.setField(skBuff.ifindex, device.index);
    return Math.min(frame.length, this.#run.runIn(filter.program, skb, device.namespace));
  }

  /** Does anyone want to hear what connections of the socket's cgroup do? */
  hasOperations({ cgroup }: Socket): boolean {
    return this.#programs.has(cgroup, "cgroup_sock_ops");
  }

  /** Something has happened to a connection; the context has what programs answered. -1 where they refuse to say. */
  operation(socket: Socket, operation: SocketOperation): { readonly reply: number; readonly context: SockOpsContext } {
    const context = this.#operation;
    const place = placeOf(socket, "cgroup_sock_ops");
    if (!this.#programs.has(place.cgroup, place.type)) return { reply: -1, context };
    context.load(socket, operation, socket.callbackFlags);
    const error = this.#programs.run(place, context);
    return { reply: error === 0 ? context.reply : -1, context };
  }

  /**
   * A socket option is to be set. `error` is what the call gets; `done` says that programs have dealt with it, and the
   * option is not to be looked at any more.
   */
  setOption(
    socket: Socket,
    level: number,
    name: number,
    value: Uint8Array,
  ): {
    readonly error: number;
    readonly done: boolean;
    readonly level: number;
    readonly name: number;
    readonly value: Uint8Array;
  } {
    const place = placeOf(socket, "cgroup_setsockopt");
    if (!this.#programs.has(place.cgroup, place.type)) return { error: 0, done: false, level, name, value };
    const context = this.#option;
    context.load(socket, { level, name }, value, SOCKOPT_ROOM);
    const error = this.#programs.run(place, context);
    const { length } = context;
    const same = { level: context.level, name: context.optionName };
    if (error !== 0) return { error, done: true, ...same, value };
    if (length === -1) return { error: 0, done: true, ...same, value };
    if (length > context.shown || length < -1) return { error: -EFAULT, done: true, ...same, value };
    return { error: 0, done: false, ...same, value: length === 0 ? value : context.value(length) };
  }

  /** A socket option was asked for: `found` is what the kernel would say, `room` what the caller has room for. */
  getOption(
    socket: Socket,
    level: number,
    name: number,
    found: Uint8Array | number,
    room: number,
  ): Uint8Array | number {
    const place = placeOf(socket, "cgroup_getsockopt");
    if (!this.#programs.has(place.cgroup, place.type)) return found;
    const context = this.#option;
    const known = typeof found === "number" ? new Uint8Array(0) : found;
    context.load(socket, { level, name }, known, room);
    const length = typeof found === "number" ? room : found.length;
    const retval = typeof found === "number" ? found : 0;
    context.setLength(length);
    let shown = retval;
    const error = this.#programs.run(place, context, {
      retval,
      before: (now) => {
        shown = now;
        context.retval = now;
      },
      each: () => (context.retval === shown ? undefined : context.retval),
    });
    if (error < 0) return error;
    if (context.length > Math.min(room, SOCKOPT_VALUE_MAX) || context.length < 0) return -EFAULT;
    return context.value(context.length);
  }

  /**
   * A task of the current cgroup reads or writes a sysctl: 0 or a negative errno, and what is to be written.
   *
   * @param name as `net/ipv4/ip_forward`.
   */
  sysctl(
    { cgroup, namespace }: { readonly cgroup: Cgroup; readonly namespace: Namespace },
    name: string,
    current: Uint8Array,
    written: Uint8Array | undefined,
  ): { readonly error: number; readonly value: Uint8Array | undefined } {
    const type = "cgroup_sysctl";
    if (!this.#programs.has(cgroup, type)) return { error: 0, value: written };
    this.#sysctl.load(name, current, written, 0);
    const error = this.#programs.run({ cgroup, namespace, type }, this.#sysctl);
    return { error, value: this.#sysctl.written };
  }

  /** A task wants to use a device node: 0 or a negative errno. */
  device(where: { readonly cgroup: Cgroup; readonly namespace: Namespace }, access: DeviceAccess): number {
    const type = "cgroup_device";
    if (!this.#programs.has(where.cgroup, type)) return 0;
    this.#device.load(access);
    return this.#programs.run({ ...where, type }, this.#device);
  }

  close(): void {
    for (const context of [this.#sock, this.#address, this.#option, this.#operation, this.#sysctl, this.#device])
      context.close();
    this.#skb?.close();
  }
}

function placeOf(socket: Socket, type: AttachType): Place {
  return { cgroup: socket.cgroup, namespace: socket.namespace, type };
}
