import { EADDRINUSE, EADDRNOTAVAIL, EMSGSIZE, ENETUNREACH } from "../../abi/index.js";
import { addToChecksum, buildPacket, ethernet, foldChecksum, type Layer, udp } from "../../packet/index.js";
import type { Route } from "../../runtime/index.js";
import { failure } from "../failure.js";
import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import { familyOf, type IpFamily, ipv4Family, ipv6Family, isSameAddress, maskAddress } from "./ip-family.js";
import type { Namespace } from "./namespace.js";
import { Neighbours } from "./neighbours.js";
import { addressee } from "./tc-path.js";
import { UdpSocket } from "./udp-socket.js";

const ETH_HLEN = 14;
const ETH_P_ARP = 0x0806;
const PACKET_OTHERHOST = 3;
const IPPROTO_UDP = 17;
const UDP_HEADER = 8;
const VLAN_ID = 0xfff;
const FIRST_EPHEMERAL_PORT = 32_768;
/** Bytes of the packet that an ICMP error quotes. */
const QUOTED = 128;
const NEIGHBOUR_DISCOVERY: ReadonlySet<number> = new Set([135, 136]);

/** An address of a device. */
export interface InterfaceAddress {
  readonly device: Device;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

/** An IP packet within its frame: offsets in `bytes`. */
interface IpPacket {
  readonly family: IpFamily;
  readonly bytes: Uint8Array;
  readonly device: Device;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** Start and end of what it carries. */
  readonly payload: number;
  readonly end: number;
}

/** An echo reply that came for this namespace. */
interface EchoReply {
  readonly address: string;
  readonly identifier: number;
}

/**
 * A namespace's own: addresses, ARP and neighbour discovery, ICMP, forwarding, UDP. Packets are whole: there is neither
 * fragmentation nor reassembly, and no option or extension header is acted on.
 */
export class Stack {
  /** net.ipv4.ip_forward and net.ipv6.conf.all.forwarding. */
  readonly forwarding = { 4: false, 6: false };
  readonly neighbours: Neighbours;
  readonly #namespace: Namespace;
  readonly #addresses: InterfaceAddress[] = [];
  readonly #sockets = new Set<UdpSocket>();
  readonly #replies: EchoReply[] = [];
  #lastPort = FIRST_EPHEMERAL_PORT - 1;
  #lastEcho = 0;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
    this.neighbours = new Neighbours(namespace);
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  /** Gives a device an address, and the namespace the routes that come with it. */
  addAddress(device: Device, address: Uint8Array, prefixLength: number): void {
    const { routes } = this.#namespace.tables;
    this.#addresses.push({ device, address, prefixLength });
    const full = address.length * 8;
    routes.push({ destination: address, prefixLength: full, device: device.index, kind: "local", source: address });
    if (prefixLength < full) {
      const destination = maskAddress(address, prefixLength);
      routes.push({ destination, prefixLength, device: device.index, source: address });
    }
  }

  isOwn(address: Uint8Array): boolean {
    return this.#addresses.some((own) => isSameAddress(own.address, address));
  }

  /** An address of the namespace to send from, one of `device`'s where it has one. */
  sourceFor(device: Device, family: IpFamily): Uint8Array | undefined {
    const candidates = this.#addresses.filter(({ address }) => address.length === family.addressLength);
    return (candidates.find((own) => own.device === device) ?? candidates[0])?.address;
  }

  /** A frame that nobody has taken on its way up. */
  receive(frame: Frame, device: Device): void {
    const { network } = this.#namespace;
    if (this.#addresses.length > 0 && this.#isForUs(frame, device)) {
      const bytes = network.view(frame).slice();
      const type = (bytes[12]! << 8) | bytes[13]!;
      if (type === ETH_P_ARP) this.neighbours.receiveArp(bytes, device);
      else {
        const family =
          type === ipv4Family.etherType ? ipv4Family : type === ipv6Family.etherType ? ipv6Family : undefined;
        const packet = family === undefined ? undefined : readPacket(family, bytes, device);
        if (packet !== undefined && this.#receivePacket(packet, frame)) return;
      }
    }
    network.drop(frame);
  }

  /** Sends a packet out of a device, to the neighbour that it names or that its destination leads to. */
  toNeighbour(frame: Frame, device: Device, nextHop: Uint8Array | undefined): void {
    const { network } = this.#namespace;
    const hop = nextHop ?? this.#hopThrough(network.view(frame), device);
    if (hop === undefined) network.drop(frame);
    else this.neighbours.output(frame, device, hop);
  }

  /** A socket at a port (0 takes a free one) of one address, or of all. @throws SyscallError EADDRINUSE, EADDRNOTAVAIL */
  openUdp(address: Uint8Array, port: number): UdpSocket {
    const isAny = address.every((byte) => byte === 0);
    if (!isAny && !this.isOwn(address)) throw failure("bind", EADDRNOTAVAIL, "the namespace has no such address");
    const chosen = port === 0 ? this.#freePort() : port;
    if (port !== 0 && this.#socketAt(address, port) !== undefined) throw failure("bind", EADDRINUSE, `port ${port}`);
    const socket = new UdpSocket(this.#namespace, address, chosen);
    this.#sockets.add(socket);
    this.#namespace.tables.sockets.push(socket);
    return socket;
  }

  /** @internal */
  removeSocket(socket: UdpSocket): void {
    this.#sockets.delete(socket);
    const { sockets } = this.#namespace.tables;
    const at = sockets.indexOf(socket);
    if (at >= 0) sockets.splice(at, 1);
  }

  /** @internal @throws SyscallError ENETUNREACH, EMSGSIZE */
  sendUdp(socket: UdpSocket, data: Uint8Array, destination: Uint8Array, port: number): void {
    const { mark, priority } = socket;
    const isAny = socket.localAddress.every((byte) => byte === 0);
    const parts = [udp({ src: socket.localPort, dst: port }), data] as const;
    const error = this.#send(destination, isAny ? undefined : socket.localAddress, parts, { mark, priority });
    if (error !== 0) throw failure("sendto", error, `to ${familyOf(destination).format(destination)}`);
  }

  /** Sends an echo request; true when the reply has come before this returns. @throws SyscallError ENETUNREACH */
  ping(destination: Uint8Array, data: Uint8Array): boolean {
    const family = familyOf(destination);
    const identifier = ++this.#lastEcho & 0xffff;
    const message = family.message({ type: family.icmp.echoRequest, rest: ((identifier << 16) | 1) >>> 0 });
    const error = this.#send(destination, undefined, [message, data]);
    if (error !== 0) throw failure("sendto", error, `to ${family.format(destination)}`);
    this.#namespace.network.drain();
    return this.#replies.splice(0).some((reply) => reply.identifier === identifier);
  }

  #isForUs(frame: Frame, device: Device): boolean {
    if (frame.vlanProtocol !== 0 && (frame.vlanTci & VLAN_ID) !== 0) return false;
    if (device.kind === "loopback") return true;
    const { u8 } = this.#namespace.network.programs.environment.runtime.memory;
    return addressee(u8, frame.data, device) !== PACKET_OTHERHOST;
  }

  /** True where the frame goes on. */
  #receivePacket(packet: IpPacket, frame: Frame): boolean {
    if (this.#isLocal(packet)) {
      this.#deliver(packet);
      return false;
    }
    return this.forwarding[packet.family.version] && this.#forward(packet, frame);
  }

  #isLocal({ family, destination }: IpPacket): boolean {
    if (this.isOwn(destination)) return true;
    if (family.version === 6) return destination[0] === 0xff;
    if (destination.every((byte) => byte === 255)) return true;
    return this.#addresses.some(({ address, prefixLength }) => {
      return (
        address.length === 4 && prefixLength < 31 && isSameAddress(maskAddress(address, prefixLength, 255), destination)
      );
    });
  }

  #deliver(packet: IpPacket): void {
    const { family, protocol } = packet;
    if (protocol === family.icmp.protocol) this.#deliverIcmp(packet);
    else if (protocol === IPPROTO_UDP) this.#deliverUdp(packet);
  }

  #deliverIcmp({ family, bytes, payload, end, source, destination, device }: IpPacket): void {
    const message = bytes.subarray(payload, end);
    if (message.length < 8 || checksumOf(family, source, destination, message) !== 0) return;
    const [type] = message;
    if (family.version === 6 && NEIGHBOUR_DISCOVERY.has(type!)) {
      this.neighbours.receiveDiscovery(message, source, device);
    } else if (type === family.icmp.echoRequest) {
      const rest = new DataView(message.buffer, message.byteOffset).getUint32(4);
      const from = this.isOwn(destination) ? destination : undefined;
      this.#send(source, from, [family.message({ type: family.icmp.echoReply, rest }), message.slice(8)]);
    } else if (type === family.icmp.echoReply) {
      this.#replies.push({ address: family.format(source), identifier: (message[4]! << 8) | message[5]! });
    }
  }

  #deliverUdp(packet: IpPacket): void {
    const { family, bytes, payload, end, source, destination } = packet;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (payload + UDP_HEADER > end) return;
    const length = view.getUint16(payload + 4);
    if (length < UDP_HEADER || payload + length > end) return;
    const datagram = bytes.subarray(payload, payload + length);
    const hasChecksum = view.getUint16(payload + 6) !== 0;
    if ((hasChecksum || family.version === 6) && udpChecksum(source, destination, datagram) !== 0) return;
    const socket = this.#socketAt(destination, view.getUint16(payload + 2));
    if (socket === undefined) {
      this.#complain(packet, family.icmp.noPort);
      return;
    }
    const port = view.getUint16(payload);
    socket.deliver({ address: family.format(source), port, data: datagram.slice(UDP_HEADER) });
  }

  /** True where the frame went on. */
  #forward(packet: IpPacket, frame: Frame): boolean {
    const { family, bytes, destination } = packet;
    const { icmp } = family;
    if (bytes[ETH_HLEN + family.hopsAt]! <= 1) return this.#complain(packet, icmp.timeExceeded);
    const route = this.#namespace.tables.route(destination);
    const device = route === undefined ? undefined : this.#namespace.findDevice(route.device);
    if (route === undefined || device === undefined || (route.kind ?? "unicast") !== "unicast")
      return route?.kind === "blackhole" ? false : this.#complain(packet, icmp.noRoute);
    const mtu = Math.min(route.mtu ?? device.mtu, device.mtu);
    if (packet.end - ETH_HLEN > mtu) return this.#complain(packet, icmp.tooBig, mtu);
    const { view } = this.#namespace.network.programs.environment.runtime.memory;
    const hops = frame.data + ETH_HLEN + family.hopsAt;
    view.setUint8(hops, view.getUint8(hops) - 1);
    if (family.version === 4) {
      // One hop less is 0x100 more in the checksum, with end-around carry (RFC 1624).
      const at = frame.data + ETH_HLEN + 10;
      const sum = view.getUint16(at) + 0x100;
      view.setUint16(at, (sum & 0xffff) + (sum >> 16));
    }
    this.neighbours.output(frame, device, route.gateway ?? destination);
    return true;
  }

  /** Sends an ICMP error about a packet; false, since the packet ends here. */
  #complain(packet: IpPacket, [type, code]: readonly [number, number], rest = 0): false {
    const { family, bytes, source, destination, device } = packet;
    const isError = packet.protocol === family.icmp.protocol && isIcmpError(family, bytes[packet.payload]!);
    if (isError || destination[0]! >= (family.version === 4 ? 224 : 255)) return false;
    const quoted = bytes.slice(ETH_HLEN, Math.min(packet.end, ETH_HLEN + QUOTED));
    const from = this.isOwn(destination) ? destination : this.sourceFor(device, family);
    this.#send(source, from, [family.message({ type, code, rest }), quoted]);
    return false;
  }

  /** Sends a packet of ours: 0, or an errno. */
  #send(
    destination: Uint8Array,
    from: Uint8Array | undefined,
    parts: readonly [Layer, Uint8Array],
    marks: { readonly mark: number; readonly priority: number } = { mark: 0, priority: 0 },
  ): number {
    const { network, tables } = this.#namespace;
    const route = tables.route(destination);
    const device = this.#deviceOf(route);
    if (route === undefined || device === undefined) return ENETUNREACH;
    const family = familyOf(destination);
    const source = from ?? route.source ?? this.sourceFor(device, family);
    if (source === undefined) return ENETUNREACH;
    const bytes = buildPacket(ethernet(), family.header(source, destination), ...parts);
    if (bytes.length - ETH_HLEN > Math.min(device.mtu, 16_000)) return EMSGSIZE;
    const frame = network.frames.from(bytes);
    frame.mark = marks.mark;
    frame.priority = marks.priority;
    this.neighbours.output(frame, device, route.gateway ?? destination);
    return 0;
  }

  /** Own addresses are reached by the loopback device. */
  #deviceOf(route: Route | undefined): Device | undefined {
    switch (route?.kind) {
      case undefined:
      case "unicast":
        return route === undefined ? undefined : this.#namespace.findDevice(route.device);
      case "local":
        return this.#namespace.loopback;
      default:
        return undefined;
    }
  }

  /** The neighbour that a frame's own destination is reached by, out of this device. */
  #hopThrough(bytes: Uint8Array, device: Device): Uint8Array | undefined {
    const type = (bytes[12]! << 8) | bytes[13]!;
    const family = type === ipv4Family.etherType ? ipv4Family : type === ipv6Family.etherType ? ipv6Family : undefined;
    const packet = family === undefined ? undefined : readPacket(family, bytes, device);
    if (packet === undefined) return undefined;
    const route = this.#namespace.tables.route(packet.destination);
    return (route?.device === device.index ? route.gateway : undefined) ?? packet.destination;
  }

  #socketAt(address: Uint8Array, port: number): UdpSocket | undefined {
    let any: UdpSocket | undefined;
    for (const socket of this.#sockets) {
      if (socket.localPort !== port || socket.localAddress.length !== address.length) continue;
      if (isSameAddress(socket.localAddress, address)) return socket;
      if (socket.localAddress.every((byte) => byte === 0)) any = socket;
    }
    return any;
  }

  #freePort(): number {
    const taken = new Set([...this.#sockets].map(({ localPort }) => localPort));
    do this.#lastPort = this.#lastPort >= 60_999 ? FIRST_EPHEMERAL_PORT : this.#lastPort + 1;
    while (taken.has(this.#lastPort));
    return this.#lastPort;
  }
}

/** The packet in a frame's bytes; undefined for one that makes no sense. */
function readPacket(family: IpFamily, bytes: Uint8Array, device: Device): IpPacket | undefined {
  const { headerLength, addressLength } = family;
  if (bytes.length < ETH_HLEN + headerLength || bytes[ETH_HLEN]! >> 4 !== family.version) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let header = headerLength;
  let length = view.getUint16(ETH_HLEN + 4) + headerLength;
  if (family.version === 4) {
    header = (bytes[ETH_HLEN]! & 0xf) * 4;
    length = view.getUint16(ETH_HLEN + 2);
    if (header < headerLength || ETH_HLEN + header > bytes.length) return undefined;
    if (foldChecksum(addToChecksum(0, bytes, ETH_HLEN, ETH_HLEN + header)) !== 0) return undefined;
    // Pieces of a packet lead nowhere here.
    if ((view.getUint16(ETH_HLEN + 6) & 0x3fff) !== 0) return undefined;
  }
  if (length < header || ETH_HLEN + length > bytes.length) return undefined;
  const address = (at: number) => bytes.slice(ETH_HLEN + at, ETH_HLEN + at + addressLength);
  return {
    family,
    bytes,
    device,
    source: address(family.sourceAt),
    destination: address(family.destinationAt),
    protocol: bytes[ETH_HLEN + family.protocolAt]!,
    payload: ETH_HLEN + header,
    end: ETH_HLEN + length,
  };
}

/** 0 where an ICMP message's checksum is right. */
function checksumOf(family: IpFamily, source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  if (family.version === 4) return foldChecksum(addToChecksum(0, message));
  return pseudoChecksum(source, destination, family.icmp.protocol, message);
}

function udpChecksum(source: Uint8Array, destination: Uint8Array, datagram: Uint8Array): number {
  return pseudoChecksum(source, destination, IPPROTO_UDP, datagram);
}

function pseudoChecksum(source: Uint8Array, destination: Uint8Array, protocol: number, bytes: Uint8Array): number {
  const sum = addToChecksum(addToChecksum(protocol + bytes.length, source), destination);
  return foldChecksum(addToChecksum(sum, bytes));
}

function isIcmpError(family: IpFamily, type: number): boolean {
  return family.version === 6 ? type < 128 : type === 3 || type === 11 || type === 12 || type === 4;
}
