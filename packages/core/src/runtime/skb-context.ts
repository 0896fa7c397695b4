import { AF_INET, AF_INET6, ETH_P_IP, ETH_P_IPV6 } from "../abi/index.js";
import type { LinearMemory } from "../wasm/index.js";
import type { NetworkSocket } from "./network-tables.js";
import type { PacketContext } from "./packet-context.js";
import type { Runtime } from "./runtime.js";
import { bpfSock, SocketView } from "./socket-view.js";
import type { TunnelInfo } from "./tunnel-info.js";

/** Offsets in `struct __sk_buff`; u32s where nothing else is said. */
export const skBuff = {
  len: 0,
  pktType: 4,
  mark: 8,
  queueMapping: 12,
  protocol: 16,
  vlanPresent: 20,
  vlanTci: 24,
  vlanProto: 28,
  priority: 32,
  ingressIfindex: 36,
  ifindex: 40,
  tcIndex: 44,
  /** Five u32s. */
  cb: 48,
  hash: 68,
  tcClassid: 72,
  data: 76,
  dataEnd: 80,
  napiId: 84,
  family: 88,
  remoteIp4: 92,
  localIp4: 96,
  remoteIp6: 100,
  localIp6: 116,
  remotePort: 132,
  localPort: 136,
  dataMeta: 140,
  /** u64. */
  tstamp: 152,
  wireLen: 160,
  gsoSegs: 164,
  /** Pointer to a bpf_sock, 64 bits. */
  sk: 168,
  gsoSize: 176,
  /** u8. */
  tstampType: 180,
  /** u64. */
  hwtstamp: 184,
  size: 192,
} as const;

export const ETH_HLEN = 14;
const ETH_P_802_3 = 0x0001;
const ETH_P_802_2 = 0x0004;
/** EtherTypes start here; below, the field is a length. */
const ETH_P_802_3_MIN = 0x0600;

/** `pkt_type`: whom the frame was for. */
export const PACKET_HOST = 0;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;

/** The largest packet that helpers make (SKB_MAX_ALLOC). */
export const SKB_MAX_LENGTH = 16_384 - 320;
const BLOCK = 40_960;
const HEADROOM = 16_384;
/** Marks a transport header that nobody has set. */
const UNSET = -1;

/**
 * A socket buffer as tc and socket programs see it, and its `struct __sk_buff`. All of the packet is linear, so that
 * direct access reaches every byte at once and bpf_skb_pull_data() has nothing to do. One object serves any number of
 * packets, one after the other.
 */
export class SkbContext implements PacketContext {
  readonly address: number;
  readonly size = skBuff.size;
  packetStart = 0;
  packetEnd = 0;
  /** What is carried, as an EtherType in host order. The context has it in network order. */
  protocol = 0;
  /** Addresses of the headers. */
  macHeader = 0;
  networkHeader = 0;
  transportHeader = UNSET;
  /** An encapsulating header was pushed by a helper. */
  encapsulation = false;
  /** Whether the checksum was verified (CHECKSUM_UNNECESSARY), and how deep. */
  checksumVerified = false;
  checksumLevel = 0;
  /** May the program write to the packet through helpers that take its pointer? So at layer 2. */
  mayWrite = true;
  /** A flow hash that is set or computed already. */
  hashed = false;
  /** Tunnel metadata: what the packet came with, or what a helper wants it sent with. */
  tunnel: TunnelInfo | undefined;
  /** The socket that it is of, where that is one of the machine's. */
  socket: NetworkSocket | undefined;
  /** The socket that a tc program wants it to be for. */
  assigned: NetworkSocket | undefined;
  /** Where an sk_skb program sends it. */
  skRedirect: { readonly socket: NetworkSocket; readonly flags: number } | undefined;
  /** Does it come in at a tc hook? */
  atIngress = false;
  readonly #memory: LinearMemory;
  readonly #runtime: Runtime;
  readonly #block: number;
  readonly #socket: SocketView;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#memory = runtime.memory;
    this.address = this.#memory.alloc(skBuff.size);
    this.#block = this.#memory.alloc(BLOCK, 64);
    this.#socket = new SocketView(runtime);
  }

  /**
   * Takes an Ethernet frame of 14 to {@link SKB_MAX_LENGTH} bytes as a device hands it up: type and addressee are read from
   * its header. With `fromNetworkHeader` the packet starts behind the Ethernet header, as where sockets see it.
   */
  load(bytes: Uint8Array, from = 0, length = bytes.length - from, fromNetworkHeader = false): void {
    const memory = this.#memory;
    const frame = this.#block + HEADROOM;
    memory.u8.set(from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length), frame);
    memory.u8.fill(0, this.address, this.address + skBuff.size);
    this.protocol = frameProtocol(memory.u8, frame, length);
    this.macHeader = frame;
    this.networkHeader = frame + ETH_HLEN;
    this.transportHeader = UNSET;
    this.encapsulation = false;
    this.checksumVerified = false;
    this.checksumLevel = 0;
    this.hashed = false;
    this.mayWrite = !fromNetworkHeader;
    this.tunnel = undefined;
    this.socket = undefined;
    this.assigned = undefined;
    this.skRedirect = undefined;
    this.atIngress = false;
    this.packetStart = fromNetworkHeader ? this.networkHeader : frame;
    this.packetEnd = frame + length;
    const words = memory.u32;
    words[(this.address + skBuff.pktType) >> 2] = frameAddressee(memory.u8, frame);
    words[(this.address + skBuff.ifindex) >> 2] = 1;
    this.#attachSocket();
    this.#writeFields();
  }

  /** Takes bytes of a stream, which have no headers in front of them. */
  loadData(bytes: Uint8Array, protocol: number): void {
    this.load(bytes);
    this.protocol = protocol;
    this.networkHeader = this.packetStart;
    this.transportHeader = this.packetStart;
    this.detachSocket();
    this.setField(skBuff.pktType, PACKET_HOST);
    this.setField(skBuff.ifindex, 0);
    this.#writeFields();
  }

  get length(): number {
    return this.packetEnd - this.packetStart;
  }

  /** Length of the header in front of the network header. */
  get macLength(): number {
    return this.networkHeader - this.macHeader;
  }

  /** From the packet's start to its network header; negative where a program popped it away. */
  get networkOffset(): number {
    return this.networkHeader - this.packetStart;
  }

  bytes(): Uint8Array {
    return this.#memory.copy(this.packetStart, this.length);
  }

  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#memory.u8.subarray(this.packetStart, this.packetEnd), at);
  }

  read(offset: number, to: number, length: number): boolean {
    if (offset + length > this.length) return false;
    const from = this.packetStart + offset;
    this.#memory.u8.copyWithin(to, from, from + length);
    return true;
  }

  /** A u32 field of the context. */
  field(offset: number): number {
    return this.#memory.u32[(this.address + offset) >> 2]!;
  }

  setField(offset: number, value: number): void {
    this.#memory.u32[(this.address + offset) >> 2] = value;
  }

  /** Carries segments yet to be made of it (GSO). */
  get segmented(): boolean {
    return this.field(skBuff.gsoSize) !== 0;
  }

  /** Changes what is carried. */
  setProtocol(protocol: number): void {
    this.protocol = protocol;
    this.#writeFields();
  }

  /** Forgets the flow hash after the headers have changed. */
  clearHash(): void {
    this.hashed = false;
    this.setField(skBuff.hash, 0);
  }

  /** Sets or clears the VLAN tag that travels beside the packet. */
  setVlanTag(tag: { readonly protocol: number; readonly tci: number } | undefined): void {
    this.setField(skBuff.vlanPresent, tag === undefined ? 0 : 1);
    this.setField(skBuff.vlanTci, tag?.tci ?? 0);
    this.setField(skBuff.vlanProto, swap16(tag?.protocol ?? 0));
  }

  /** Makes `length` bytes of room in front of the packet's byte `at`, zeroed; false where there is no memory for it. */
  insert(at: number, length: number): boolean {
    if (!this.#makeHeadroom(length)) return false;
    const start = this.packetStart - length;
    this.#memory.u8.copyWithin(start, this.packetStart, this.packetStart + at);
    this.#memory.u8.fill(0, start + at, start + at + length);
    this.packetStart = start;
    this.#moved();
    return true;
  }

  /** Takes `length` bytes out behind the packet's byte `at`. */
  remove(at: number, length: number): void {
    const start = this.packetStart + length;
    this.#memory.u8.copyWithin(start, this.packetStart, this.packetStart + at);
    this.packetStart = start;
    this.#moved();
  }

  /** Cuts or grows (with zeros) the packet's end to a length of at most {@link SKB_MAX_LENGTH}. */
  setLength(length: number): void {
    if (this.packetStart + length > this.#block + BLOCK) this.#relocate();
    const end = this.packetStart + length;
    if (end > this.packetEnd) this.#memory.u8.fill(0, this.packetEnd, end);
    this.packetEnd = end;
    this.#moved();
  }

  /** The packet is one of a socket: `view` is the address of its `struct bpf_sock`. */
  attachSocket(socket: NetworkSocket, view: number): void {
    this.detachSocket();
    this.socket = socket;
    const { u8, view: bytes } = this.#memory;
    const is4 = socket.localAddress.length === 4;
    this.setField(skBuff.sk, view);
    this.setField(skBuff.family, is4 ? AF_INET : AF_INET6);
    u8.set(socket.localAddress, this.address + (is4 ? skBuff.localIp4 : skBuff.localIp6));
    if (socket.remoteAddress !== undefined)
      u8.set(socket.remoteAddress, this.address + (is4 ? skBuff.remoteIp4 : skBuff.remoteIp6));
    // A u32 in network order of which the lower 16 bits are the port.
    bytes.setUint16(this.address + skBuff.remotePort + 2, socket.remotePort ?? 0, false);
    this.setField(skBuff.localPort, socket.localPort);
  }

  /** The packet starts this many bytes further on: behind a header that is not the program's. */
  skipHeader(length: number): void {
    this.packetStart += length;
    this.#writeFields();
  }

  /** A packet of a device: no socket is behind it. */
  detachSocket(): void {
    this.socket = undefined;
    const { u8 } = this.#memory;
    u8.fill(0, this.address + skBuff.family, this.address + skBuff.dataMeta);
    u8.fill(0, this.address + skBuff.sk, this.address + skBuff.sk + 8);
  }

  close(): void {
    this.#memory.free(this.address);
    this.#memory.free(this.#block);
    this.#socket.close();
  }

  /** A test run's packet belongs to a socket of its own, with the packet's addresses as its ends. */
  #attachSocket(): void {
    const { u8, u32 } = this.#memory;
    const length = this.protocol === ETH_P_IP ? 4 : this.protocol === ETH_P_IPV6 ? 16 : 0;
    const at = this.networkHeader + (length === 4 ? 12 : 8);
    const source = length === 0 ? undefined : u8.subarray(at, at + length);
    const destination = length === 0 ? undefined : u8.subarray(at + length, at + 2 * length);
    this.#socket.setUnconnected(source, destination);
    u32[(this.address + skBuff.sk) >> 2] = this.#socket.address;
    u32[(this.address + skBuff.family) >> 2] = this.#socket.field(bpfSock.family);
    const fields = length === 4 ? [skBuff.localIp4, skBuff.remoteIp4] : [skBuff.localIp6, skBuff.remoteIp6];
    if (source !== undefined) u8.set(source, this.address + fields[0]!);
    if (destination !== undefined) u8.set(destination, this.address + fields[1]!);
  }

  #makeHeadroom(length: number): boolean {
    if (this.packetStart - length >= this.#block) return true;
    if (length > HEADROOM || this.length > BLOCK - HEADROOM) return false;
    this.#relocate();
    return true;
  }

  /** Moves the packet to where it would have been loaded. */
  #relocate(): void {
    const distance = this.#block + HEADROOM - this.packetStart;
    this.#memory.u8.copyWithin(this.packetStart + distance, this.packetStart, this.packetEnd);
    this.packetStart += distance;
    this.packetEnd += distance;
    this.macHeader += distance;
    this.networkHeader += distance;
    if (this.transportHeader !== UNSET) this.transportHeader += distance;
  }

  #moved(): void {
    this.#writeFields();
    this.#runtime.setPacket(this.packetStart, this.packetEnd);
  }

  #writeFields(): void {
    const words = this.#memory.u32;
    const at = this.address >> 2;
    words[at + skBuff.len / 4] = this.packetEnd - this.packetStart;
    words[at + skBuff.protocol / 4] = swap16(this.protocol);
    words[at + skBuff.data / 4] = this.packetStart;
    words[at + skBuff.dataEnd / 4] = this.packetEnd;
    words[at + skBuff.dataMeta / 4] = this.packetStart;
  }
}

/** Host to network order, of 16 bits. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

/** What a frame at `frame` carries: its EtherType, or what its length field stands for. */
export function frameProtocol(bytes: Uint8Array, frame: number, length: number): number {
  return carriedProtocol(bytes, frame + 12, frame + length);
}

/** The EtherType at `at`; where a length is in its place, the 802.2 or Novell's 802.3 that follows. */
export function carriedProtocol(bytes: Uint8Array, at: number, end: number): number {
  const type = (bytes[at]! << 8) | bytes[at + 1]!;
  if (type >= ETH_P_802_3_MIN) return type;
  const raw = at + 4 <= end && bytes[at + 2] === 0xff && bytes[at + 3] === 0xff;
  return raw ? ETH_P_802_3 : ETH_P_802_2;
}

/** The test device's address is all zeros, and so is its broadcast address. */
function frameAddressee(bytes: Uint8Array, frame: number): number {
  let any = 0;
  for (let at = frame; at < frame + 6; at++) any |= bytes[at]!;
  if (any === 0) return PACKET_HOST;
  return bytes[frame]! & 1 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}
