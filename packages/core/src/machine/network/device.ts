import { EINVAL, EMSGSIZE, ENETDOWN, ENXIO, EOPNOTSUPP } from "../../abi/index.js";
import type { XdpMode } from "../../host/index.js";
import type { NetworkDevice } from "../../runtime/index.js";
import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";
import type { BridgeDevice } from "./bridge-device.js";
import { DeviceCounters } from "./counters.js";
import type { Frame } from "./frame.js";
import type { Namespace } from "./namespace.js";
import type { Network } from "./network.js";
import type { PacketSocket } from "./packet-socket.js";
import { TcHook } from "./tc-hook.js";
import type { VlanDevice } from "./vlan-device.js";

/** The Ethernet header and a VLAN tag, which count beside the MTU. */
const LINK_HEADERS = 14 + 4;

/** Choices for a device. */
export interface DeviceOptions {
  /** Bytes of a packet without its Ethernet header; 1500 by default, 16000 at most. */
  readonly mtu?: number | undefined;
  /** Made from the device's number by default: 02:00:00:00:00:01 and so on. */
  readonly mac?: Uint8Array | undefined;
  /** Receive queues, 1 by default. */
  readonly rxQueues?: number | undefined;
}

/** An XDP program on a device. */
export interface XdpAttachment {
  readonly mode: Exclude<XdpMode, "offload">;
  readonly link: MachineLink;
  program: MachineProgram;
}

/** A device's own processor, for programs that were loaded onto it. */
export interface DeviceOffload {
  owns(program: MachineProgram): boolean;
  taken(hook: "xdp" | "ingress"): boolean;
  /** Puts a program at a hook in place of what is there; undefined takes it away. */
  put(hook: "xdp" | "ingress", program: MachineProgram | undefined): void;
}

/** A network device of the Machine. Frames that are sent out of it go where its kind says. */
export abstract class Device implements NetworkDevice {
  abstract readonly kind: "loopback" | "veth" | "capture" | "bridge" | "vlan";
  readonly network: Network;
  readonly namespace: Namespace;
  /** Unique in its namespace, as is its {@link index}. */
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  mtu: number;
  readonly rxQueues: number;
  /** Does the machine route what comes in here? Set by the sysctl. */
  forwarding = false;
  /** A device that is down carries nothing. */
  up = true;
  /** @internal */
  removed = false;
  readonly counters = new DeviceCounters();
  /** @internal Devices that run programs themselves have one. */
  readonly offload: DeviceOffload | undefined;
  /** @internal */
  xdp: XdpAttachment | undefined;
  /** @internal */
  readonly ingress = new TcHook();
  /** @internal */
  readonly egress = new TcHook();
  /** @internal VLANs that have a device of their own, by their ids. */
  readonly vlans = new Map<number, VlanDevice>();
  /** @internal The bridge that it is a port of. */
  bridge: BridgeDevice | undefined;
  /** @internal Sockets that see every frame. */
  taps: readonly PacketSocket[] = [];
  /** @internal Frames on their way to it. */
  backlog = 0;

  /** @internal */
  constructor(namespace: Namespace, name: string, options: DeviceOptions) {
    this.network = namespace.network;
    this.namespace = namespace;
    this.name = name;
    this.index = namespace.nextIndex();
    this.mac = options.mac ?? this.network.nextMac();
    this.mtu = options.mtu ?? 1500;
    this.rxQueues = options.rxQueues ?? 1;
  }

  /** The other end, for devices that come in pairs. */
  get peer(): Device | undefined {
    return undefined;
  }

  /** @internal Does a native XDP program have a place here? */
  abstract readonly nativeXdp: boolean;

  /** @internal 0 where redirected frames of XDP can be sent, else a negative errno. */
  abstract readonly refusesXdp: number;

  /** @internal The driver sends a frame; it owns it from here on. */
  abstract startTransmit(frame: Frame): void;

  /** @internal The driver sends a frame of XDP: 0, or a negative errno, and then the frame stays with the caller. */
  abstract transmitXdp(frame: Frame): number;

  /** @internal 0, or the negative errno of what stands in the way of sending `length` bytes. */
  checkForward(length: number): number {
    if (!this.up) return -ENETDOWN;
    return length > this.mtu + LINK_HEADERS ? -EMSGSIZE : 0;
  }

  /** @internal */
  countSent(frame: Frame): void {
    this.counters.txPackets++;
    this.counters.txBytes += frame.end - frame.data;
  }
}

/** What is sent comes back. */
export class LoopbackDevice extends Device {
  readonly kind = "loopback";
  readonly nativeXdp = false;
  readonly refusesXdp = -EOPNOTSUPP;

  startTransmit(frame: Frame): void {
    this.countSent(frame);
    this.network.backlog(frame, this);
  }

  transmitXdp(): number {
    return -EINVAL;
  }
}

/** One end of a pair: what is sent out of one comes in at the other. */
export class VethDevice extends Device {
  readonly kind = "veth";
  readonly nativeXdp = true;
  #peer: VethDevice | undefined;

  override get peer(): VethDevice | undefined {
    return this.#peer;
  }

  /** @internal */
  join(peer: VethDevice | undefined): void {
    this.#peer = peer;
  }

  startTransmit(frame: Frame): void {
    const peer = this.#peer;
    if (peer === undefined || !this.up || peer.checkForward(frame.end - frame.data) !== 0) {
      this.counters.txDropped++;
      this.network.frames.release(frame);
      return;
    }
    this.countSent(frame);
    frame.priority = 0;
    if (peer.namespace !== this.namespace) frame.mark = 0;
    this.network.arrive(frame, peer, frame.queueMapping < peer.rxQueues ? frame.queueMapping : 0);
  }

  /** Frames of XDP are taken by a peer that runs XDP itself. */
  get refusesXdp(): number {
    return this.#peer?.xdp?.mode === "native" ? 0 : -EOPNOTSUPP;
  }

  /** As with the kernel's, only a peer that runs XDP itself takes frames of XDP. */
  transmitXdp(frame: Frame): number {
    const peer = this.#peer;
    if (peer?.xdp?.mode !== "native") return -ENXIO;
    const error = peer.checkForward(frame.end - frame.data);
    if (error !== 0) return error;
    this.countSent(frame);
    this.network.arrive(frame, peer, 0);
    return 0;
  }
}
