import { SKB_MAX_LENGTH, SkbContext, skBuff, XDP_FRAME_TAIL, XDP_HEADROOM } from "../../runtime/index.js";
import type { MachineProgram } from "../machine-program.js";
import { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Network } from "./network.js";
import { Socket } from "./socket.js";
import type { TcHook } from "./tc-hook.js";

/** Return values of tc programs (TC_ACT_*); tcx has the same numbers for those that it knows. */
export const tcAction = {
  unspecified: -1,
  ok: 0,
  reclassify: 1,
  shot: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  redirect: 7,
  trap: 8,
} as const;

const BPF_F_INGRESS = 1;
const PACKET_BROADCAST = 1;
const PACKET_MULTICAST = 2;
const PACKET_OTHERHOST = 3;
const CLASS_MINOR = 0xffff;

/** Runs a device's tc programs on a frame. */
export class TcPath {
  readonly #network: Network;
  /** One for each run within a run: a program's clone meets other programs while that program waits. */
  readonly #contexts: SkbContext[] = [];
  #level = 0;
  #skb: SkbContext;

  constructor(network: Network) {
    this.#network = network;
    this.#skb = this.#contextAt(0);
  }

  /** Runs in progress, each within the one before. */
  get level(): number {
    return this.#level;
  }

  /**
   * Runs the programs of `hook` until one decides, tcx links before filters. The verdict is in the frame that comes back,
   * which is another one where the packet has outgrown its page.
   */
  run(frame: Frame, hook: TcHook, ingress: boolean): Frame {
    if (frame.length > SKB_MAX_LENGTH) {
      frame.verdict = tcAction.shot;
      return frame;
    }
    const outer = this.#skb;
    this.#skb = this.#contextAt(this.#level++);
    try {
      return this.#run(frame, hook, ingress);
    } finally {
      this.#level--;
      this.#skb = outer;
    }
  }

  /**
   * A copy of the packet of the run in progress, for another device; undefined where that is down. With BPF_F_INGRESS it
   * is on its way in already.
   */
  clone(index: number, flags: number): Frame | undefined {
    const { environment } = this.#network.programs;
    const { context } = environment.runtime.run;
    const device = environment.network.devices.get(index);
    if (!(context instanceof SkbContext) || !(device instanceof Device) || !device.up) return undefined;
    const frame = this.#network.frames.take(context.length);
    const { u8 } = environment.runtime.memory;
    u8.copyWithin(frame.data, context.packetStart, context.packetEnd);
    readMarks(context, frame);
    if (flags & BPF_F_INGRESS) {
      frame.priority = 0;
      this.#network.backlog(frame, device);
      return undefined;
    }
    frame.device = device;
    return frame;
  }

  close(): void {
    for (const context of this.#contexts) context.close();
  }

  #contextAt(level: number): SkbContext {
    const known = this.#contexts[level];
    if (known !== undefined) return known;
    const made = new SkbContext(this.#network.programs.environment.runtime);
    this.#contexts[level] = made;
    return made;
  }

  #run(frame: Frame, hook: TcHook, ingress: boolean): Frame {
    const { redirect } = this.#network.programs.environment;
    redirect.clear();
    this.#load(frame, ingress);
    frame.verdict = this.#runLinks(frame, hook);
    if (frame.verdict === tcAction.unspecified) frame.verdict = this.#runFilters(frame, hook);
    const { kind, index, flags, nextHop } = redirect;
    if (frame.verdict === tcAction.redirect) {
      const isDevice = kind === "device" || kind === "peer" || kind === "neigh";
      frame.redirection = isDevice ? { kind, index, flags, nextHop } : undefined;
    }
    return this.#store(frame);
  }

  #runLinks(frame: Frame, { tcx }: TcHook): number {
    for (const { program } of tcx) {
      switch (this.#execute(program, frame)) {
        case tcAction.ok:
          frame.tcIndex = this.#skb.field(skBuff.tcClassid);
          this.#skb.setField(skBuff.tcIndex, frame.tcIndex);
          return tcAction.ok;
        case tcAction.shot:
          return tcAction.shot;
        case tcAction.redirect:
          return tcAction.redirect;
        case tcAction.unspecified:
          break;
        default:
          // No verdict of tcx: no further link is asked, but the filters are.
          return tcAction.unspecified;
      }
    }
    return tcAction.unspecified;
  }

  #runFilters(frame: Frame, { filters }: TcHook): number {
    for (const { program, directAction } of filters) {
      this.#skb.setField(skBuff.tcClassid, 0);
      const result = this.#execute(program, frame);
      if (!directAction) {
        // A class, or -1 for the filter's own; there are no actions behind it that could say more.
        if (result !== 0) return tcAction.ok;
        continue;
      }
      switch (result) {
        case tcAction.ok:
          this.#skb.setField(skBuff.tcIndex, this.#skb.field(skBuff.tcClassid) & CLASS_MINOR);
          return result;
        case tcAction.shot:
        case tcAction.stolen:
        case tcAction.trap:
        case tcAction.redirect:
          return result;
      }
    }
    return tcAction.unspecified;
  }

  #execute(program: MachineProgram, { device }: Frame): number {
    return this.#network.programs.run(program, this.#skb, device) | 0;
  }

  #load(frame: Frame, ingress: boolean): void {
    const skb = this.#skb;
    const { memory } = this.#network.programs.environment.runtime;
    skb.load(memory.u8, frame.data, frame.length);
    skb.detachSocket();
    skb.atIngress = ingress;
    skb.setField(skBuff.pktType, ingress ? addressee(memory.u8, frame.data, frame.device) : 0);
    skb.setField(skBuff.ifindex, frame.device.index);
    skb.setField(skBuff.ingressIfindex, frame.ingressIndex);
    skb.setField(skBuff.mark, frame.mark);
    skb.setField(skBuff.priority, frame.priority);
    skb.setField(skBuff.queueMapping, frame.queueMapping);
    skb.setField(skBuff.tcIndex, frame.tcIndex);
    skb.setField(skBuff.wireLen, frame.length);
    skb.setField(skBuff.hash, frame.hash);
    skb.hashed = frame.hash !== 0;
    if (frame.vlanProtocol !== 0) skb.setVlanTag({ protocol: frame.vlanProtocol, tci: frame.vlanTci });
  }

  #store(frame: Frame): Frame {
    const skb = this.#skb;
    const { length } = skb;
    const { frames } = this.#network;
    let stored = frame;
    if (XDP_HEADROOM + length + XDP_FRAME_TAIL > frame.size) {
      stored = frames.take(length);
      stored.takeOver(frame);
      frames.release(frame);
    }
    const data = stored.page + XDP_HEADROOM;
    stored.data = data;
    stored.meta = data;
    stored.end = data + length;
    this.#network.programs.environment.runtime.memory.u8.copyWithin(data, skb.packetStart, skb.packetEnd);
    readMarks(skb, stored);
    if (skb.assigned instanceof Socket) stored.assigned = skb.assigned;
    return stored;
  }
}

/** What programs may have changed beside the packet. */
function readMarks(skb: SkbContext, frame: Frame): void {
  frame.mark = skb.field(skBuff.mark);
  frame.priority = skb.field(skBuff.priority);
  frame.queueMapping = skb.field(skBuff.queueMapping);
  frame.tcIndex = skb.field(skBuff.tcIndex);
  frame.hash = skb.hashed ? skb.field(skBuff.hash) : 0;
  const protocol = skb.field(skBuff.vlanProto);
  frame.vlanProtocol = skb.field(skBuff.vlanPresent) === 0 ? 0 : ((protocol & 0xff) << 8) | (protocol >> 8);
  frame.vlanTci = skb.field(skBuff.vlanTci);
}

/** Whom a frame that has come in is for, as `pkt_type` says it. */
export function addressee(bytes: Uint8Array, frame: number, device: Device): number {
  if (bytes[frame]! & 1) {
    for (let at = 0; at < 6; at++) if (bytes[frame + at] !== 0xff) return PACKET_MULTICAST;
    return PACKET_BROADCAST;
  }
  for (let at = 0; at < 6; at++) if (bytes[frame + at] !== device.mac[at]) return PACKET_OTHERHOST;
  return 0;
}
