import { EMSGSIZE, ENETUNREACH, EPERM, ETH_P_ARP, IPPROTO_TCP } from "../../abi/index.js";
import { addToChecksum, buildPacket, ethernet, foldChecksum, type Layer } from "../../packet/index.js";
import type { Route } from "../../runtime/index.js";
import { failure } from "../failure.js";
import type { Device } from "./device.js";
import { Fragments, fragment, mayFragment } from "./fragments.js";
import type { Frame } from "./frame.js";
import { familyOf, type IpFamily, ipv4Family, ipv6Family, isSameAddress, maskAddress } from "./ip-family.js";
import { ETH_HLEN, type IpPacket, pseudoChecksum, readPacket } from "./ip-packet.js";
import type { Namespace } from "./namespace.js";
import { Neighbours } from "./neighbours.js";
import type { Socket } from "./socket.js";
import { SocketTable } from "./socket-table.js";
import { addressee } from "./tc-path.js";
import { Transport } from "./transport.js";

const PACKET_OTHERHOST = 3;
const VLAN_ID = 0xfff;
/** A device's MTU may be larger than what its packets have room for here. */
const LARGEST_PACKET = 16_000;
/** Times that programs of routes may send a packet another way. */
const REROUTES = 4;
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

/** Whom a packet is from and for. */
export interface Sending {
  readonly destination: Uint8Array;
  /** The route's, or one of the device's, where it isn't said. */
  readonly source?: Uint8Array | undefined;
  /** The socket that sends it; its mark and priority go with the packet. */
  readonly socket?: Socket | undefined;
}

/** A packet that is to leave: its bytes behind room for an Ethernet header, and where it goes. */
interface Departure {
  readonly bytes: Uint8Array;
  readonly route: Route;
  readonly device: Device;
  readonly family: IpFamily;
  readonly destination: Uint8Array;
  readonly socket: Socket | undefined;
  readonly marks: { readonly mark: number; readonly priority: number };
}

/** An echo reply that came for this namespace. */
interface EchoReply {
  readonly address: string;
  readonly identifier: number;
}

/**
 * A namespace's own: addresses, ARP and neighbour discovery, ICMP, forwarding, packets in pieces. No option is acted on, and
 * no extension header but that of fragments.
 */
export class Stack {
  /** net.ipv4.ip_forward and net.ipv6.conf.all.forwarding. */
  readonly forwarding = { 4: false, 6: false };
  readonly neighbours: Neighbours;
  /** Sockets that have a port. */
  readonly sockets: SocketTable;
  readonly #transport: Transport;
  readonly #namespace: Namespace;
  readonly #addresses: InterfaceAddress[] = [];
  readonly #replies: EchoReply[] = [];
  readonly #fragments = new Fragments();
  #lastEcho = 0;
  #lastIdentification = 0;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
    this.neighbours = new Neighbours(namespace);
    this.sockets = new SocketTable(namespace.tables);
    this.#transport = new Transport(namespace, this);
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

  /** Sends an echo request; true when the reply has come before this returns. @throws SyscallError ENETUNREACH */
  ping(destination: Uint8Array, data: Uint8Array): boolean {
    const family = familyOf(destination);
    const identifier = ++this.#lastEcho & 0xffff;
    const message = family.message({ type: family.icmp.echoRequest, rest: ((identifier << 16) | 1) >>> 0 });
    const error = this.output({ destination }, message, data);
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
    const hooks = this.#namespace.network.ipHooks;
    const { family, bytes } = packet;
    if (!hooks.accepts(this.#namespace, "prerouting", family, bytes, frame)) return false;
    if (this.#isLocal(packet)) {
      const whole = this.#fragments.add(packet, this.#namespace.network.now());
      if (whole !== undefined && hooks.accepts(this.#namespace, "input", family, whole.bytes, frame))
        this.#deliver(whole, frame.assigned);
      return false;
    }
    return this.forwarding[packet.family.version] && this.#forward(packet, frame);
  }

  #isLocal({ family, destination }: IpPacket): boolean {
    if (this.isOwn(destination) || this.#namespace.tables.route(destination)?.kind === "local") return true;
    if (family.version === 6) return destination[0] === 0xff;
    if (destination.every((byte) => byte === 255)) return true;
    return this.#addresses.some(({ address, prefixLength }) => {
      return (
        address.length === 4 && prefixLength < 31 && isSameAddress(maskAddress(address, prefixLength, 255), destination)
      );
    });
  }

  #deliver(packet: IpPacket, assigned: Socket | undefined): void {
    const { family, protocol } = packet;
    if (protocol === family.icmp.protocol) this.#deliverIcmp(packet);
    else this.#transport.deliver(packet, assigned);
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
      const reply = family.message({ type: family.icmp.echoReply, rest });
      this.output({ destination: source, source: from }, reply, message.slice(8));
    } else if (type === family.icmp.echoReply) {
      this.#replies.push({ address: family.format(source), identifier: (message[4]! << 8) | message[5]! });
    } else if (isIcmpError(family, type!)) this.#transport.complaint(family, message);
  }

  /** True where the frame went on. */
  #forward(packet: IpPacket, frame: Frame): boolean {
    const { family, bytes, destination } = packet;
    const { icmp } = family;
    if (bytes[ETH_HLEN + family.hopsAt]! <= 1) return this.complain(packet, icmp.timeExceeded);
    const route = this.#namespace.tables.route(destination);
    const device = route === undefined ? undefined : this.#namespace.findDevice(route.device);
    if (route === undefined || device === undefined || (route.kind ?? "unicast") !== "unicast")
      return route?.kind === "blackhole" ? false : this.complain(packet, icmp.noRoute);
    const mtu = Math.min(route.mtu ?? device.mtu, device.mtu);
    if (packet.end - ETH_HLEN > mtu && !mayFragment(packet)) return this.complain(packet, icmp.tooBig, mtu);
    const { view } = this.#namespace.network.programs.environment.runtime.memory;
    const hops = frame.data + ETH_HLEN + family.hopsAt;
    view.setUint8(hops, view.getUint8(hops) - 1);
    if (family.version === 4) {
      // One hop less is 0x100 more in the checksum, with end-around carry (RFC 1624).
      const at = frame.data + ETH_HLEN + 10;
      const sum = view.getUint16(at) + 0x100;
      view.setUint16(at, (sum & 0xffff) + (sum >> 16));
    }
    const { netfilter, lwt } = this.#namespace;
    if (netfilter.length === 0 && lwt.size === 0 && packet.end - ETH_HLEN <= mtu) {
      this.neighbours.output(frame, device, route.gateway ?? destination);
      return true;
    }
    this.#forwardThroughPrograms(frame, { family, route, device, destination });
    return false;
  }

  /** The slower way of a packet that programs may look at: a copy goes on, if they let it. */
  #forwardThroughPrograms(frame: Frame, departure: Omit<Departure, "bytes" | "socket" | "marks">): void {
    const { network } = this.#namespace;
    const { route, device, family } = departure;
    let bytes: Uint8Array = network.view(frame).slice();
    const marks = { mark: frame.mark, priority: frame.priority };
    const entry = this.#namespace.lwt.get(route)?.lwt_in;
    if (entry !== undefined) {
      const verdict = network.ipHooks.throughRoute(this.#namespace, entry, bytes, device);
      if (verdict.action === "drop") return;
      bytes = verdict.bytes;
      if (verdict.action === "reroute") {
        this.#reroute(bytes, device, marks);
        return;
      }
    }
    if (!network.ipHooks.accepts(this.#namespace, "forward", family, bytes, marks)) return;
    this.#depart({ ...departure, bytes, marks, socket: undefined });
  }

  /** Sends an ICMP error about a packet; false, since the packet ends here. */
  complain(packet: IpPacket, [type, code]: readonly [number, number], rest = 0): false {
    const { family, bytes, source, destination, device } = packet;
    const isError = packet.protocol === family.icmp.protocol && isIcmpError(family, bytes[packet.payload]!);
    if (isError || destination[0]! >= (family.version === 4 ? 224 : 255)) return false;
    const quoted = bytes.slice(ETH_HLEN, Math.min(packet.end, ETH_HLEN + QUOTED));
    const from = this.isOwn(destination) ? destination : this.sourceFor(device, family);
    this.output({ destination: source, source: from }, family.message({ type, code, rest }), quoted);
    return false;
  }

  /** Sends a packet of ours: 0, or an errno. */
  output({ destination, source: from, socket }: Sending, header: Layer, data: Uint8Array): number {
    const { network, tables } = this.#namespace;
    const route = tables.route(destination);
    const device = this.#deviceOf(route);
    if (route === undefined || device === undefined) return ENETUNREACH;
    const family = familyOf(destination);
    const source = from ?? route.source ?? this.sourceFor(device, family);
    if (source === undefined) return ENETUNREACH;
    const whole = header.ipProtocol === IPPROTO_TCP;
    const bytes = buildPacket(ethernet(), family.header(source, destination, whole), header, data);
    if (bytes.length - ETH_HLEN > LARGEST_PACKET) return EMSGSIZE;
    const marks = { mark: socket?.mark ?? 0, priority: socket?.priority ?? 0 };
    if (!network.ipHooks.accepts(this.#namespace, "output", family, bytes, marks)) return EPERM;
    return this.#depart({ bytes, route, device, family, destination, socket, marks });
  }

  /** A packet that has its route leaves, if programs let it: 0, or an errno. */
  #depart(departure: Departure, depth = 0): number {
    const { route, device, family, destination, socket, marks } = departure;
    const { network } = this.#namespace;
    const programs = this.#namespace.lwt.get(route);
    let { bytes } = departure;
    if (programs?.lwt_out !== undefined) {
      const { action } = network.ipHooks.throughRoute(this.#namespace, programs.lwt_out, bytes, device);
      if (action === "drop") return EPERM;
    }
    if (!network.ipHooks.accepts(this.#namespace, "postrouting", family, bytes, marks)) return EPERM;
    if (socket !== undefined) {
      const error = network.hooks.packet(socket, "egress", bytes, device);
      if (error !== 0) return error < 0 ? -error : 0;
    }
    if (programs?.lwt_xmit !== undefined) {
      const verdict = network.ipHooks.throughRoute(this.#namespace, programs.lwt_xmit, bytes, device);
      if (verdict.action === "drop") return EPERM;
      bytes = verdict.bytes;
      if (verdict.action === "reroute") return this.#reroute(bytes, device, marks, depth + 1);
    }
    const mtu = Math.min(route.mtu ?? device.mtu, device.mtu, LARGEST_PACKET);
    const isWhole = bytes.length - ETH_HLEN <= mtu;
    for (const piece of isWhole ? [bytes] : fragment(family, bytes, mtu, ++this.#lastIdentification & 0xffff)) {
      const frame = network.frames.from(piece);
      frame.mark = marks.mark;
      frame.priority = marks.priority;
      this.neighbours.output(frame, device, route.gateway ?? destination);
    }
    return 0;
  }

  /** A packet whose destination a program has changed, by a header that it put in front. */
  #reroute(bytes: Uint8Array, before: Device, marks: Departure["marks"], depth = 1): number {
    const family = bytes[ETH_HLEN]! >> 4 === 6 ? ipv6Family : ipv4Family;
    const packet = readPacket(family, bytes, before);
    const route = packet && this.#namespace.tables.route(packet.destination);
    const device = this.#deviceOf(route);
    if (packet === undefined || route === undefined || device === undefined) return ENETUNREACH;
    if (depth > REROUTES || bytes.length - ETH_HLEN > LARGEST_PACKET) return EMSGSIZE;
    const { destination } = packet;
    return this.#depart({ bytes, route, device, family, destination, socket: undefined, marks }, depth);
  }

  /** The address that packets to `destination` are sent from. @throws SyscallError ENETUNREACH */
  sourceTo(destination: Uint8Array): Uint8Array {
    const route = this.#namespace.tables.route(destination);
    const device = this.#deviceOf(route);
    const source = device && (route?.source ?? this.sourceFor(device, familyOf(destination)));
    if (source !== undefined) return source;
    throw failure("connect", ENETUNREACH, `no route to ${familyOf(destination).format(destination)}`);
  }

  /** Bytes of a packet to `destination`. */
  mtuTo(destination: Uint8Array): number {
    const route = this.#namespace.tables.route(destination);
    const device = this.#deviceOf(route);
    const mtu = device?.mtu ?? familyOf(destination).leastMtu;
    return Math.min(route?.mtu ?? mtu, mtu, LARGEST_PACKET);
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
}

/** 0 where an ICMP message's checksum is right. */
function checksumOf(family: IpFamily, source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  if (family.version === 4) return foldChecksum(addToChecksum(0, message));
  return pseudoChecksum(source, destination, family.icmp.protocol, message);
}

function isIcmpError(family: IpFamily, type: number): boolean {
  return family.version === 6 ? type < 128 : type === 3 || type === 11 || type === 12 || type === 4;
}
