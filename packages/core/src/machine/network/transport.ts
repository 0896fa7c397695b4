import { IPPROTO_TCP, IPPROTO_UDP, tcpState } from "../../abi/index.js";
import type { IpFamily } from "./ip-family.js";
import { type IpPacket, pseudoChecksum } from "./ip-packet.js";
import type { Namespace } from "./namespace.js";
import type { Socket } from "./socket.js";
import type { Flow } from "./socket-table.js";
import type { Stack } from "./stack.js";
import { readSegment, type Segment, segmentLayer, sequenceLength, tcpFlags } from "./tcp/segment.js";
import { advance } from "./tcp/sequence.js";
import { TcpSocket } from "./tcp-socket.js";
import { UdpSocket } from "./udp-socket.js";

const UDP_HEADER = 8;
const ICMP_HEADER = 8;
/** No complaint makes packets smaller than this (the kernel's net.ipv4.route.min_pmtu). */
const LEAST_PATH_MTU = 552;
const noBytes = new Uint8Array(0);

/** Hands UDP and TCP packets that have come to a namespace to its sockets. */
export class Transport {
  readonly #stack: Stack;
  readonly #namespace: Namespace;

  constructor(namespace: Namespace, stack: Stack) {
    this.#namespace = namespace;
    this.#stack = stack;
  }

  get #lookup() {
    return this.#namespace.network.lookup;
  }

  /** @param assigned the socket that a tc program says the packet is for. */
  deliver(packet: IpPacket, assigned: Socket | undefined): void {
    if (packet.protocol === IPPROTO_UDP) this.#deliverUdp(packet, assigned);
    else if (packet.protocol === IPPROTO_TCP) this.#deliverTcp(packet, assigned);
  }

  #deliverUdp(packet: IpPacket, assigned: Socket | undefined): void {
    const { family, bytes, payload, end, source, destination } = packet;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (payload + UDP_HEADER > end) return;
    const length = view.getUint16(payload + 4);
    if (length < UDP_HEADER || payload + length > end) return;
    const datagram = bytes.subarray(payload, payload + length);
    const hasChecksum = view.getUint16(payload + 6) !== 0;
    if ((hasChecksum || family.version === 6) && pseudoChecksum(source, destination, IPPROTO_UDP, datagram) !== 0)
      return;
    const flow = this.#flow(packet, "udp", view.getUint16(payload), view.getUint16(payload + 2));
    const socket =
      this.#assigned(flow, packet, assigned) ??
      this.#stack.sockets.connected(flow) ??
      this.#lookup.find(this.#namespace, flow, packet);
    if (!(socket instanceof UdpSocket)) {
      this.#stack.complain(packet, family.icmp.noPort);
      return;
    }
    const room = this.#admit(socket, packet);
    if (room > 0) socket.deliver(source, flow.sourcePort, datagram.slice(UDP_HEADER, Math.max(room, UDP_HEADER)));
  }

  #deliverTcp(packet: IpPacket, assigned: Socket | undefined): void {
    const { bytes, payload, end, source, destination } = packet;
    const segment = readSegment(bytes, payload, end);
    if (segment === undefined) return;
    if (pseudoChecksum(source, destination, IPPROTO_TCP, bytes.subarray(payload, end)) !== 0) return;
    const flow = this.#flow(packet, "tcp", segment.sourcePort, segment.destinationPort);
    const chosen = this.#assigned(flow, packet, assigned);
    const connected = chosen?.remoteAddress === undefined ? this.#stack.sockets.connected(flow) : chosen;
    if (connected instanceof TcpSocket) {
      // Until the handshake is done, the listening socket speaks for the connection.
      const owner = connected.state === tcpState.synReceived ? (connected.listener ?? connected) : connected;
      const room = this.#admit(owner, packet);
      if (room > 0) connected.receiveSegment(cut(segment, room));
      return;
    }
    const isSyn = (segment.flags & (tcpFlags.syn | tcpFlags.ack | tcpFlags.rst)) === tcpFlags.syn;
    const listener = isSyn ? (chosen ?? this.#lookup.find(this.#namespace, flow, packet)) : undefined;
    if (!(listener instanceof TcpSocket)) this.#reset(segment, source, destination);
    else if (this.#admit(listener, packet) > 0) listener.receiveSyn(segment, source, destination);
  }

  /** The socket of tc's choice, or another one of its group. */
  #assigned(flow: Flow, packet: IpPacket, assigned: Socket | undefined): Socket | undefined {
    if (assigned === undefined || assigned.protocol !== flow.protocol) return undefined;
    return assigned.remoteAddress === undefined ? this.#lookup.share(assigned, flow, packet) : assigned;
  }

  /** Bytes from the transport header on that the programs of the socket let in; 0 for nothing of it. */
  #admit(socket: Socket, packet: IpPacket): number {
    const { hooks } = socket.namespace.network;
    if (hooks.packet(socket, "ingress", packet.bytes, packet.device) !== 0) return 0;
    return hooks.filter(socket, packet);
  }

  /** An ICMP error has come about a packet of ours: what says that a way is narrow is told to the connection. */
  complaint(family: IpFamily, message: Uint8Array): void {
    const [type, code] = family.icmp.tooBig;
    const quoted = message.subarray(ICMP_HEADER);
    const header = family.version === 4 ? (quoted[0]! & 0xf) * 4 : family.headerLength;
    if (message[0] !== type || message[1] !== code || quoted.length < header + 8) return;
    if (quoted[family.protocolAt] !== IPPROTO_TCP) return;
    const view = new DataView(quoted.buffer, quoted.byteOffset);
    const address = (at: number) => quoted.slice(at, at + family.addressLength);
    const socket = this.#stack.sockets.connected({
      protocol: "tcp",
      source: address(family.destinationAt),
      sourcePort: view.getUint16(header + 2),
      destination: address(family.sourceAt),
      destinationPort: view.getUint16(header),
      device: 0,
    });
    const mtu = new DataView(message.buffer, message.byteOffset).getUint32(4);
    if (socket instanceof TcpSocket) socket.narrow(Math.max(mtu, LEAST_PATH_MTU));
  }

  /** There is nobody for a segment: says so, unless it says so itself. */
  #reset(segment: Segment, source: Uint8Array, destination: Uint8Array): void {
    if (segment.flags & tcpFlags.rst) return;
    const acknowledges = (segment.flags & tcpFlags.ack) !== 0;
    const answer = {
      sequence: acknowledges ? segment.acknowledgement : 0,
      acknowledgement: acknowledges ? 0 : advance(segment.sequence, sequenceLength(segment)),
      flags: acknowledges ? tcpFlags.rst : tcpFlags.rst | tcpFlags.ack,
      window: 0,
      options: noBytes,
      data: noBytes,
    };
    const layer = segmentLayer(answer, segment.destinationPort, segment.sourcePort);
    this.#stack.output({ source: destination, destination: source }, layer, noBytes);
  }

  #flow({ source, destination, device }: IpPacket, protocol: "tcp" | "udp", from: number, to: number): Flow {
    return { protocol, source, sourcePort: from, destination, destinationPort: to, device: device.index };
  }
}

/** A segment of which only `room` bytes were let in. */
function cut(segment: Segment, room: number): Segment {
  const data = Math.max(0, room - segment.header.length);
  return data >= segment.data.length ? segment : { ...segment, data: segment.data.subarray(0, data) };
}
