import { ETH_P_IP, ETH_P_IPV6, type ProgramType } from "../abi/index.js";
import { type Environment, type RunContext, SkbContext, XDP_PACKET_MAX, XdpContext } from "../runtime/index.js";

const ETH_HLEN = 14;
/** What a page has room for beside the headroom of 64 bytes and the shared info at its end. */
export const SKB_FRAME_MAX = 4096 - 64 - 320;
/** Index of the loopback device, which packets of test runs seem to come from. */
export const LOOPBACK = 1;

/** Where a program type meets packets: makes of a frame the context that its programs run on. */
export interface PacketHook {
  readonly context: RunContext;
  /** Takes a frame that lies in `bytes`; or says why this hook cannot, with the kernel's EINVAL. */
  load(bytes: Uint8Array, from: number, length: number): string | undefined;
  /** Length of the frame as the program left it. */
  readonly length: number;
  /** Copies that frame into `target` at `at`. */
  copyTo(target: Uint8Array, at: number): void;
  close(): void;
}

/** XDP: a frame in a page of its own, from queue 0 of the loopback device. */
export class XdpHook implements PacketHook {
  readonly context: XdpContext;

  constructor(environment: Environment) {
    this.context = new XdpContext(environment.runtime);
  }

  load(bytes: Uint8Array, from: number, length: number): string | undefined {
    if (length < ETH_HLEN) return "a frame needs 14 bytes";
    if (length > XDP_PACKET_MAX) return `a packet has at most ${XDP_PACKET_MAX} bytes`;
    this.context.load(bytes, from, length);
    this.context.setReceiver(LOOPBACK, 0);
    return undefined;
  }

  get length(): number {
    return this.context.length;
  }

  copyTo(target: Uint8Array, at: number): void {
    this.context.copyTo(target, at);
  }

  close(): void {
    this.context.close();
  }
}

/** Hooks with a socket buffer: from the Ethernet header on at layer 2, else from the network header on. */
export class SkbHook implements PacketHook {
  readonly context: SkbContext;
  readonly #layer2: boolean;

  constructor(environment: Environment, layer2: boolean) {
    this.context = new SkbContext(environment.runtime);
    this.#layer2 = layer2;
  }

  load(bytes: Uint8Array, from: number, length: number): string | undefined {
    if (length < ETH_HLEN || length > SKB_FRAME_MAX) return `a frame has 14 to ${SKB_FRAME_MAX} bytes`;
    const skb = this.context;
    skb.load(bytes, from, length, !this.#layer2);
    // What calls itself IP has an IP header.
    const needed = skb.protocol === ETH_P_IP ? 20 : skb.protocol === ETH_P_IPV6 ? 40 : 0;
    return skb.packetEnd - skb.networkHeader < needed ? "the frame ends within its IP header" : undefined;
  }

  get length(): number {
    return this.context.length + (this.#layer2 ? 0 : ETH_HLEN);
  }

  /** A program that starts at the network header gives the packet back behind an Ethernet header of zeros. */
  copyTo(target: Uint8Array, at: number): void {
    if (!this.#layer2) target.fill(0, at, at + ETH_HLEN);
    this.context.copyTo(target, at + (this.#layer2 ? 0 : ETH_HLEN));
  }

  close(): void {
    this.context.close();
  }
}

/** The hook of a program type; undefined for types that don't run on packets. */
export function createPacketHook(environment: Environment, type: ProgramType): PacketHook | undefined {
  switch (type) {
    case "xdp":
      return new XdpHook(environment);
    case "sched_cls":
    case "sched_act":
      return new SkbHook(environment, true);
    case "socket_filter":
    case "cgroup_skb":
    case "lwt_in":
    case "lwt_out":
    case "lwt_xmit":
      return new SkbHook(environment, false);
    default:
      return undefined;
  }
}
