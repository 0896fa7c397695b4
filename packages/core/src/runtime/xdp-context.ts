import { EACCES, EINVAL } from "../abi/index.js";
import type { LinearMemory } from "../wasm/index.js";
import type { PacketContext } from "./packet-context.js";
import type { Runtime } from "./runtime.js";

const ETH_HLEN = 14;

/** Bytes before a packet that a program may grow it into (XDP_PACKET_HEADROOM). */
export const XDP_HEADROOM = 256;
/** The start of the headroom belongs to `struct xdp_frame` when a packet is redirected. */
export const XDP_FRAME_SIZE = 40;
/** A frame is a page. */
export const XDP_FRAME_BYTES = 4096;
/** The end of a frame, reserved for `struct skb_shared_info`. */
export const XDP_FRAME_TAIL = 320;
/** Packet bytes that lie in the frame at most; the rest is in fragments of a page each. */
export const XDP_LINEAR_MAX = XDP_FRAME_BYTES - XDP_HEADROOM - XDP_FRAME_TAIL;
/** MAX_SKB_FRAGS. */
const MAX_FRAGMENTS = 17;
/** The largest packet that a run takes. */
export const XDP_PACKET_MAX = XDP_LINEAR_MAX + MAX_FRAGMENTS * XDP_FRAME_BYTES;

/** Offsets in `struct xdp_md`; all fields are u32. */
export const xdpMd = {
  data: 0,
  dataEnd: 4,
  dataMeta: 8,
  ingressIfindex: 12,
  rxQueueIndex: 16,
  egressIfindex: 20,
  size: 24,
} as const;

/**
 * An XDP program's packet: a page with 256 bytes of headroom, as drivers and BPF_PROG_TEST_RUN lay it out, and its
 * `struct xdp_md`. One object serves any number of packets, one after the other.
 *
 *     frame     +40                    data_meta   data            data_end        +3776    +4096
 *       | xdp_frame | headroom             | meta   | packet          | tailroom     | (shared info) |
 */
export class XdpContext implements PacketContext {
  readonly address: number;
  readonly size = xdpMd.size;
  /** Bounds of direct access: from data_meta to data_end. */
  packetStart = 0;
  packetEnd = 0;
  readonly #memory: LinearMemory;
  readonly #runtime: Runtime;
  /** The page that is looked at: the own one, or one that was lent by {@link adopt}. */
  #frame: number;
  readonly #own: number;
  /** Packet bytes beyond the frame, one fragment after the other; 0 until they are needed. */
  #fragments = 0;
  #fragmentLength = 0;
  #data = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#memory = runtime.memory;
    this.address = this.#memory.alloc(xdpMd.size);
    this.#own = this.#memory.alloc(XDP_FRAME_BYTES, 64);
    this.#frame = this.#own;
  }

  /**
   * Takes a packet of at most {@link XDP_PACKET_MAX} bytes; `from` and `length` say where it lies in `bytes`. Of a longer
   * one than a frame, what is over goes into fragments. `metaLength` bytes at its start are metadata.
   */
  load(bytes: Uint8Array, from = 0, length = bytes.length - from, metaLength = 0): void {
    this.#frame = this.#own;
    const meta = this.#frame + XDP_HEADROOM - metaLength;
    const linear = Math.min(length, XDP_LINEAR_MAX + metaLength);
    this.#fragmentLength = length - linear;
    if (this.#fragmentLength > 0) {
      if (this.#fragments === 0) this.#fragments = this.#memory.alloc(MAX_FRAGMENTS * XDP_FRAME_BYTES);
      this.#memory.u8.set(bytes.subarray(from + linear, from + length), this.#fragments);
    }
    this.#memory.u8.set(from === 0 && linear === bytes.length ? bytes : bytes.subarray(from, from + linear), meta);
    this.#data = meta + metaLength;
    this.packetStart = meta;
    this.packetEnd = meta + linear;
    this.#writeMd();
    const words = this.#memory.u32;
    words[(this.address + xdpMd.egressIfindex) >> 2] = 0;
  }

  /**
   * Looks at a packet that lies in somebody else's page of {@link XDP_FRAME_BYTES} bytes, laid out as this one's own, without
   * copying it. Programs work on it in place; afterwards {@link packetStart}, `data` and {@link packetEnd} say where
   * it is. Addresses.
   */
  adopt(frame: number, meta: number, data: number, end: number): void {
    this.#frame = frame;
    this.#fragmentLength = 0;
    this.#data = data;
    this.packetStart = meta;
    this.packetEnd = end;
    this.#writeMd();
    this.#memory.u32[(this.address + xdpMd.egressIfindex) >> 2] = 0;
  }

  /** Index of the device that the packet leaves through: what programs behind a device map's entry see. */
  setSender(egressIfindex: number): void {
    this.#memory.u32[(this.address + xdpMd.egressIfindex) >> 2] = egressIfindex;
  }

  /** Index of the device that received the packet. */
  get receiver(): number {
    return this.#memory.u32[(this.address + xdpMd.ingressIfindex) >> 2]!;
  }

  setReceiver(ingressIfindex: number, rxQueueIndex: number): void {
    this.#memory.u32[(this.address + xdpMd.ingressIfindex) >> 2] = ingressIfindex;
    this.#memory.u32[(this.address + xdpMd.rxQueueIndex) >> 2] = rxQueueIndex;
  }

  /** Address of the packet's first byte. */
  get data(): number {
    return this.#data;
  }

  /** Bytes of metadata in front of the packet. */
  get metaLength(): number {
    return this.#data - this.packetStart;
  }

  /** Packet bytes that programs reach directly. */
  get linearLength(): number {
    return this.packetEnd - this.#data;
  }

  get length(): number {
    return this.linearLength + this.#fragmentLength;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    this.copyTo(bytes, 0);
    return bytes;
  }

  /** The packet into `target` from `at`. */
  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#memory.u8.subarray(this.#data, this.packetEnd), at);
    if (this.#fragmentLength === 0) return;
    const end = this.#fragments + this.#fragmentLength;
    target.set(this.#memory.u8.subarray(this.#fragments, end), at + this.linearLength);
  }

  read(offset: number, to: number, length: number): boolean {
    if (offset + length > this.length) return false;
    const inFrame = Math.max(0, Math.min(length, this.linearLength - offset));
    if (inFrame > 0) this.#memory.u8.copyWithin(to, this.#data + offset, this.#data + offset + inFrame);
    if (inFrame < length) {
      const from = this.#fragments + offset + inFrame - this.linearLength;
      this.#memory.u8.copyWithin(to + inFrame, from, from + length - inFrame);
    }
    return true;
  }

  /** Copies `length` bytes at address `from` into the packet. False where they reach beyond its end. */
  write(offset: number, from: number, length: number): boolean {
    if (offset + length > this.length) return false;
    const inFrame = Math.max(0, Math.min(length, this.linearLength - offset));
    if (inFrame > 0) this.#memory.u8.copyWithin(this.#data + offset, from, from + inFrame);
    if (inFrame < length) {
      const to = this.#fragments + offset + inFrame - this.linearLength;
      this.#memory.u8.copyWithin(to, from + inFrame, from + length);
    }
    return true;
  }

  /** bpf_xdp_adjust_head: moves the packet's start, and the metadata with it. */
  adjustHead(delta: number): number {
    const meta = this.metaLength;
    const data = this.#data + delta;
    if (data < this.#frame + XDP_FRAME_SIZE + meta || data > this.packetEnd - ETH_HLEN) return -EINVAL;
    if (meta > 0) this.#memory.u8.copyWithin(this.packetStart + delta, this.packetStart, this.#data);
    this.packetStart += delta;
    this.#data = data;
    this.#moved();
    return 0;
  }

  /** bpf_xdp_adjust_meta: moves the start of the metadata. */
  adjustMeta(delta: number): number {
    const meta = this.packetStart + delta;
    if (meta < this.#frame + XDP_FRAME_SIZE || meta > this.#data) return -EINVAL;
    // Metadata becomes part of the skb, which counts it in words and in one byte.
    if ((this.#data - meta) % 4 !== 0 || this.#data - meta > 252) return -EACCES;
    this.packetStart = meta;
    this.#moved();
    return 0;
  }

  /** bpf_xdp_adjust_tail: moves the packet's end; what it gains is zeroed. */
  adjustTail(delta: number): number {
    if (this.#fragmentLength > 0) return delta < 0 ? this.#shrinkFragments(-delta) : this.#growFragment(delta);
    const end = this.packetEnd + delta;
    if (end > this.#frame + XDP_FRAME_BYTES - XDP_FRAME_TAIL || end < this.#data + ETH_HLEN) return -EINVAL;
    if (delta > 0) this.#memory.u8.fill(0, this.packetEnd, end);
    this.packetEnd = end;
    this.#moved();
    return 0;
  }

  /** Frees its memory. */
  close(): void {
    this.#memory.free(this.address);
    this.#memory.free(this.#own);
    if (this.#fragments !== 0) this.#memory.free(this.#fragments);
  }

  /** The last fragment grows up to its page's end. */
  #growFragment(delta: number): number {
    const used = ((this.#fragmentLength - 1) % XDP_FRAME_BYTES) + 1;
    if (delta > XDP_FRAME_BYTES - used) return -EINVAL;
    const end = this.#fragments + this.#fragmentLength;
    this.#memory.u8.fill(0, end, end + delta);
    this.#fragmentLength += delta;
    return 0;
  }

  #shrinkFragments(delta: number): number {
    if (delta > this.length - ETH_HLEN) return -EINVAL;
    const fromFragments = Math.min(delta, this.#fragmentLength);
    this.#fragmentLength -= fromFragments;
    this.packetEnd -= delta - fromFragments;
    this.#moved();
    return 0;
  }

  #moved(): void {
    this.#writeMd();
    this.#runtime.setPacket(this.packetStart, this.packetEnd);
  }

  #writeMd(): void {
    const words = this.#memory.u32;
    words[(this.address + xdpMd.data) >> 2] = this.#data;
    words[(this.address + xdpMd.dataEnd) >> 2] = this.packetEnd;
    words[(this.address + xdpMd.dataMeta) >> 2] = this.packetStart;
  }
}
