import { XDP_FRAME_BYTES, XDP_FRAME_TAIL, XDP_HEADROOM, XDP_LINEAR_MAX } from "../../runtime/index.js";
import type { LinearMemory } from "../../wasm/index.js";
import type { Device } from "./device.js";
import type { CpuEntry } from "./redirect-entry.js";
import type { Socket } from "./socket.js";

/** Frames that one block of memory is cut into. */
const FRAMES_A_SLAB = 16;
/** Where a tc program sends a frame. */
export interface Redirection {
  readonly kind: "device" | "peer" | "neigh";
  readonly index: number;
  readonly flags: number;
  readonly nextHop: Uint8Array | undefined;
}

/**
 * A frame on its way through the devices: its bytes lie in a page of linear memory, where XDP programs work on them in
 * place, and what the kernel keeps in the `sk_buff` lies beside them. Frames are used again: whoever has handed one on, or
 * released it, must not look at it any more.
 */
export class Frame {
  /** Address of the page, laid out as `XdpContext` describes. */
  readonly page: number;
  /** Bytes of the page; more than {@link XDP_FRAME_BYTES} for a packet that does not fit into one. */
  readonly size: number;
  /** Addresses of the metadata in front of the packet (as {@link data} where there is none), the packet, and its end. */
  meta = 0;
  data = 0;
  end = 0;
  /** What the event loop does with it next, and where. */
  step = 0;
  device!: Device;
  /** Receive queue of {@link device}. */
  queue = 0;
  /** CPU on which {@link step} happens. */
  cpu = 0;
  /** The entry of a CPU map that it waits in. */
  entry: CpuEntry | undefined;
  /** Verdict that is still to be carried out, and where it leads if it is to redirect. */
  verdict = 0;
  redirection: Redirection | undefined;
  /** Index of the device that it came in by; 0 for one that was made here. */
  ingressIndex = 0;
  /** Times that it was sent on within one transmission. */
  depth = 0;
  /** Comes from a redirection: generic XDP leaves it alone. */
  redirected = false;
  /** The VLAN tag beside the packet: EtherType (0 for none) and tag control information. */
  vlanProtocol = 0;
  vlanTci = 0;
  mark = 0;
  priority = 0;
  /** `queue_mapping` of the skb. */
  queueMapping = 0;
  tcIndex = 0;
  /** Flow hash that a program has set, 0 for none. */
  hash = 0;
  /** The socket that a tc program says it is for. */
  assigned: Socket | undefined;
  /** Who sent it, where a packet socket did: that one doesn't get it back. */
  origin: object | undefined;

  constructor(page: number, size: number) {
    this.page = page;
    this.size = size;
  }

  get length(): number {
    return this.end - this.data;
  }

  /** Takes over what lies beside the packet of another frame. */
  copyMarks(from: Frame): void {
    this.vlanProtocol = from.vlanProtocol;
    this.vlanTci = from.vlanTci;
    this.mark = from.mark;
    this.priority = from.priority;
    this.queueMapping = from.queueMapping;
    this.tcIndex = from.tcIndex;
    this.hash = from.hash;
  }

  /** Goes on in place of another frame: everything but its bytes. */
  takeOver(from: Frame): void {
    this.copyMarks(from);
    this.step = from.step;
    this.device = from.device;
    this.queue = from.queue;
    this.cpu = from.cpu;
    this.entry = from.entry;
    this.verdict = from.verdict;
    this.redirection = from.redirection;
    this.ingressIndex = from.ingressIndex;
    this.depth = from.depth;
    this.redirected = from.redirected;
    this.origin = from.origin;
    this.assigned = from.assigned;
  }

  /** @internal Makes it an empty one, with room for `length` bytes. */
  reset(length: number): void {
    this.data = this.page + XDP_HEADROOM;
    this.meta = this.data;
    this.end = this.data + length;
    this.queue = 0;
    this.cpu = 0;
    this.entry = undefined;
    this.depth = 0;
    this.redirected = false;
    this.redirection = undefined;
    this.ingressIndex = 0;
    this.origin = undefined;
    this.assigned = undefined;
    this.clearMarks();
  }

  /** Only the bytes are left, as when a frame goes on as one of XDP. */
  clearMarks(): void {
    this.vlanProtocol = 0;
    this.vlanTci = 0;
    this.mark = 0;
    this.priority = 0;
    this.queueMapping = 0;
    this.tcIndex = 0;
    this.hash = 0;
  }
}

/** Frames that are used again and again. Their memory is given back when the pool is closed. */
export class FramePool {
  readonly #memory: LinearMemory;
  readonly #free: Frame[] = [];
  readonly #blocks = new Set<number>();

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  /** A frame with room for a packet of `length` bytes, whose contents are whatever was there before. */
  take(length: number): Frame {
    let frame: Frame | undefined;
    if (length > XDP_LINEAR_MAX) frame = this.#makeLarge(length);
    else frame = this.#free.pop() ?? this.#makeSlab();
    frame.reset(length);
    return frame;
  }

  /** A frame with these bytes. */
  from(bytes: Uint8Array): Frame {
    const frame = this.take(bytes.length);
    this.#memory.u8.set(bytes, frame.data);
    return frame;
  }

  /** A second frame like this one. */
  copy(frame: Frame): Frame {
    const copy = this.take(frame.length);
    this.#memory.u8.copyWithin(copy.data, frame.data, frame.end);
    copy.copyMarks(frame);
    copy.queue = frame.queue;
    copy.device = frame.device;
    copy.cpu = frame.cpu;
    copy.ingressIndex = frame.ingressIndex;
    return copy;
  }

  /** Takes back a frame that nobody needs any more. */
  release(frame: Frame): void {
    if (frame.size === XDP_FRAME_BYTES) {
      this.#free.push(frame);
      return;
    }
    this.#blocks.delete(frame.page);
    this.#memory.free(frame.page);
  }

  close(): void {
    for (const block of this.#blocks) this.#memory.free(block);
    this.#blocks.clear();
    this.#free.length = 0;
  }

  #makeLarge(length: number): Frame {
    const size = XDP_HEADROOM + length + XDP_FRAME_TAIL;
    const page = this.#memory.alloc(size, 64);
    this.#blocks.add(page);
    return new Frame(page, size);
  }

  #makeSlab(): Frame {
    const slab = this.#memory.alloc(FRAMES_A_SLAB * XDP_FRAME_BYTES, 64);
    this.#blocks.add(slab);
    for (let at = 1; at < FRAMES_A_SLAB; at++) {
      this.#free.push(new Frame(slab + at * XDP_FRAME_BYTES, XDP_FRAME_BYTES));
    }
    return new Frame(slab, XDP_FRAME_BYTES);
  }
}
