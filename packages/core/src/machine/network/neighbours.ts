import { arp, buildPacket, ethernet, formatIpv4, formatIpv6, formatMac, icmpv6, ipv6 } from "../../packet/index.js";
import type { LinearMemory } from "../../wasm/index.js";
import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import { familyOf, isSameAddress } from "./ip-family.js";
import type { Namespace } from "./namespace.js";

/** Frames that wait for one neighbour's answer at most; then the oldest goes. */
const WAITING_LIMIT = 64;
const ETH_HLEN = 14;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
/** Solicited, and to replace what was known. */
const ADVERTISEMENT_FLAGS = 0x6000_0000;
const SOURCE_OPTION = 1;
const TARGET_OPTION = 2;
const zeroMac = new Uint8Array(6);

/** Link layer addresses of a namespace's neighbours, asked for by ARP and by neighbour discovery. */
export class Neighbours {
  readonly #namespace: Namespace;
  readonly #memory: LinearMemory;
  /** Frames that wait for an answer, by device and address. */
  readonly #waiting = new Map<string, Frame[]>();

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
    this.#memory = namespace.network.programs.environment.runtime.memory;
  }

  /** Sends a frame to a neighbour, as soon as its address is known: the Ethernet header is written then. */
  output(frame: Frame, device: Device, nextHop: Uint8Array): void {
    const mac = this.#macOf(device, nextHop);
    if (mac !== undefined) {
      this.#send(frame, device, mac);
      return;
    }
    const key = keyOf(device, nextHop);
    const waiting = this.#waiting.get(key) ?? [];
    waiting.push(frame);
    if (waiting.length > WAITING_LIMIT) this.#namespace.network.drop(waiting.shift()!);
    this.#waiting.set(key, waiting);
    if (waiting.length === 1) this.#ask(device, nextHop);
  }

  /** An ARP packet for IPv4 over Ethernet, behind its Ethernet header. */
  receiveArp(bytes: Uint8Array, device: Device): void {
    if (bytes.length < ETH_HLEN + 28) return;
    const operation = (bytes[20]! << 8) | bytes[21]!;
    const senderMac = bytes.slice(22, 28);
    const sender = bytes.slice(28, 32);
    const target = bytes.slice(38, 42);
    const isOurs = this.#namespace.stack.isOwn(target);
    if (operation === ARP_REPLY || isOurs) this.learn(device, sender, senderMac);
    if (operation !== ARP_REQUEST || !isOurs) return;
    const reply = arp({
      operation: "reply",
      senderMac: formatMac(device.mac),
      senderIp: formatIpv4(target),
      targetMac: formatMac(senderMac),
      targetIp: formatIpv4(sender),
    });
    this.#emit(buildPacket(ethernet({ src: formatMac(device.mac), dst: formatMac(senderMac) }), reply), device);
  }

  /** A message of neighbour discovery: `icmp` starts at its ICMPv6 header. */
  receiveDiscovery(icmp: Uint8Array, source: Uint8Array, device: Device): void {
    if (icmp.length < 24) return;
    const target = icmp.slice(8, 24);
    const isAdvertisement = icmp[0] === NEIGHBOUR_ADVERTISEMENT;
    const mac = linkAddress(icmp, isAdvertisement ? TARGET_OPTION : SOURCE_OPTION);
    if (isAdvertisement) {
      if (mac !== undefined) this.learn(device, target, mac);
      return;
    }
    if (icmp[0] !== NEIGHBOUR_SOLICITATION || !this.#namespace.stack.isOwn(target)) return;
    if (mac === undefined) return;
    this.learn(device, source, mac);
    const message = icmpv6({ type: NEIGHBOUR_ADVERTISEMENT, rest: ADVERTISEMENT_FLAGS });
    const ip = ipv6({ src: formatIpv6(target), dst: formatIpv6(source), hopLimit: 255 });
    const link = ethernet({ src: formatMac(device.mac), dst: formatMac(mac) });
    this.#emit(buildPacket(link, ip, message, target, Uint8Array.of(TARGET_OPTION, 1, ...device.mac)), device);
  }

  /** A neighbour's address is known from now on; frames that waited for it go. */
  learn(device: Device, address: Uint8Array, mac: Uint8Array): void {
    const { neighbours } = this.#namespace.tables;
    const at = neighbours.findIndex((each) => each.device === device.index && isSameAddress(each.address, address));
    const neighbour = { address, device: device.index, mac };
    if (at < 0) neighbours.push(neighbour);
    else neighbours[at] = neighbour;
    const key = keyOf(device, address);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const frame of waiting) this.#send(frame, device, mac);
  }

  #macOf(device: Device, address: Uint8Array): Uint8Array | undefined {
    if (device.kind === "loopback") return zeroMac;
    if (address.length === 4 && address.every((byte) => byte === 255)) return new Uint8Array(6).fill(255);
    return this.#namespace.tables.neighbour(address, device.index)?.mac;
  }

  #ask(device: Device, address: Uint8Array): void {
    const source = this.#namespace.stack.sourceFor(device, familyOf(address));
    if (source === undefined) return;
    const [src, own] = [formatMac(device.mac), formatMac(device.mac)];
    if (address.length === 4) {
      const request = arp({
        operation: "request",
        senderMac: own,
        senderIp: formatIpv4(source),
        targetIp: formatIpv4(address),
      });
      this.#emit(buildPacket(ethernet({ src, dst: "ff:ff:ff:ff:ff:ff" }), request), device);
      return;
    }
    const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
    const dst = formatMac(Uint8Array.of(0x33, 0x33, ...group.subarray(12)));
    const ip = ipv6({ src: formatIpv6(source), dst: formatIpv6(group), hopLimit: 255 });
    const option = Uint8Array.of(SOURCE_OPTION, 1, ...device.mac);
    const message = icmpv6({ type: NEIGHBOUR_SOLICITATION });
    this.#emit(buildPacket(ethernet({ src, dst }), ip, message, address, option), device);
  }

  #emit(bytes: Uint8Array, device: Device): void {
    const { network } = this.#namespace;
    network.transmitLater(network.frames.from(bytes), device);
  }

  #send(frame: Frame, device: Device, mac: Uint8Array): void {
    const { u8 } = this.#memory;
    u8.set(mac, frame.data);
    u8.set(device.mac, frame.data + 6);
    this.#namespace.network.transmitLater(frame, device);
  }
}

function keyOf(device: Device, address: Uint8Array): string {
  return `${device.index} ${address.join()}`;
}

/** The link layer address that an option of a message carries. */
function linkAddress(icmp: Uint8Array, wanted: number): Uint8Array | undefined {
  for (let at = 24; at + 8 <= icmp.length; at += icmp[at + 1]! * 8) {
    if (icmp[at + 1] === 0) return undefined;
    if (icmp[at] === wanted) return icmp.slice(at + 2, at + 8);
  }
  return undefined;
}
