import { EEXIST, EINVAL, ENETUNREACH, ENODEV } from "../../abi/index.js";
import { NetworkTables, type Route } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { CaptureDevice, type CaptureDeviceOptions } from "./capture-device.js";
import { Device, LoopbackDevice } from "./device.js";
import { ipv4Family, ipv6Family, maskAddress, parseIpAddress, parsePrefix } from "./ip-family.js";
import type { LwtEntry, NetfilterEntry } from "./ip-hooks.js";
import type { Network } from "./network.js";
import { readSysctl, writeSysctl } from "./network-sysctls.js";
import { PacketSocket } from "./packet-socket.js";
import type { ProgramSlot } from "./socket.js";
import { Stack } from "./stack.js";
import { TcpSocket } from "./tcp-socket.js";
import { UdpSocket } from "./udp-socket.js";

/** Bytes of a name, with its end (IFNAMSIZ). */
const NAME_SIZE = 16;

/** A network namespace: devices by name and index, and what their packets meet. */
export class Namespace {
  readonly name: string;
  readonly network: Network;
  /** What lookups of programs are answered from: devices, routes, neighbours, sockets. */
  readonly tables: NetworkTables;
  readonly loopback: LoopbackDevice;
  /** @internal */
  readonly stack: Stack;
  /** @internal Its sk_lookup programs, in their order, and its flow dissector. */
  lookupPrograms: readonly ProgramSlot[] = [];
  dissector: ProgramSlot | undefined;
  /** @internal Programs at the places of netfilter, by their priorities, and those that packets of routes go through. */
  netfilter: readonly NetfilterEntry[] = [];
  readonly lwt = new Map<Route, Partial<Record<"lwt_in" | "lwt_out" | "lwt_xmit", LwtEntry>>>();
  /** What programs know it by (bpf_get_netns_cookie); the first one's is 1. */
  readonly cookie: bigint;
  #lastIndex = 0;

  /** @internal */
  constructor(network: Network, name: string, tables: NetworkTables = new NetworkTables()) {
    this.network = network;
    this.name = name;
    this.tables = tables;
    this.cookie = BigInt(network.nextNamespace());
    this.stack = new Stack(this);
    this.loopback = this.add(new LoopbackDevice(this, "lo", { mtu: 65_536, mac: new Uint8Array(6) }));
  }

  /** Runs `work` with this as the current namespace: where devices are looked up by name and index. */
  run<T>(work: () => T): T {
    const { network } = this;
    const before = network.current;
    network.current = this;
    try {
      return work();
    } finally {
      network.current = before;
    }
  }

  get devices(): Device[] {
    return [...this.tables.devices.values()].filter((device): device is Device => device instanceof Device);
  }

  /** The device with this name or index. @throws SyscallError ENODEV */
  device(which: string | number): Device {
    const found = this.findDevice(which);
    if (found === undefined) throw failure("if_nametoindex", ENODEV, `there is no network device '${which}' here`);
    return found;
  }

  findDevice(which: string | number): Device | undefined {
    if (typeof which === "string") return this.devices.find(({ name }) => name === which);
    const found = this.tables.devices.get(which);
    return found instanceof Device ? found : undefined;
  }

  /** A network card whose wire is in the caller's hands. @throws SyscallError EEXIST, EINVAL for a name that no device may have */
  createCapture(name: string, options: CaptureDeviceOptions = {}): CaptureDevice {
    this.checkName(name);
    return this.add(new CaptureDevice(this, name, options));
  }

  /** A socket that sees every frame of a device, and sends frames out of it (AF_PACKET). @throws SyscallError ENODEV */
  openPacketSocket(device: string | number): PacketSocket {
    return new PacketSocket(this.device(device));
  }

  /**
   * Gives a device an address with its prefix (`"10.0.0.1/24"`, `"fd00::1/64"`), and the routes that come with it.
   *
   * @throws BpfError `"ADDRESS"`, RangeError for a prefix length that there isn't.
   */
  addAddress(device: Device | string, prefix: string): void {
    const { address, bits } = parsePrefix(prefix);
    this.stack.addAddress(typeof device === "string" ? this.device(device) : device, address, bits);
  }

  /**
   * A route: to `"10.1.0.0/16"`, or `"default"`, by a gateway, a device or both.
   *
   * @throws SyscallError ENETUNREACH for a gateway that no device leads to. Else as {@link addAddress}.
   */
  addRoute(destination: string, to: { readonly via?: string; readonly device?: Device | string | number }): Route {
    const gateway = to.via === undefined ? undefined : parseIpAddress(to.via);
    const any = gateway?.length === 16 ? "::/0" : "0.0.0.0/0";
    const { address, bits } = parsePrefix(destination === "default" ? any : destination);
    const given = to.device instanceof Device || to.device === undefined ? to.device : this.device(to.device);
    const device = given?.index ?? (gateway === undefined ? undefined : this.tables.route(gateway)?.device);
    if (device === undefined) throw failure("RTM_NEWROUTE", ENETUNREACH, `no device leads to ${to.via ?? destination}`);
    const route: Route = { destination: maskAddress(address, bits), prefixLength: bits, device, gateway };
    this.tables.routes.push(route);
    return route;
  }

  /** Takes a route away that {@link addRoute} has made. */
  removeRoute(route: Route): void {
    const at = this.tables.routes.indexOf(route);
    if (at >= 0) this.tables.routes.splice(at, 1);
    this.lwt.delete(route);
  }

  /** Whether packets for others are sent on: net.ipv4.ip_forward and net.ipv6.conf.all.forwarding. */
  setForwarding(on: boolean): void {
    this.forward(4, on);
    this.forward(6, on);
  }

  /** @internal Of one version of IP. */
  forward(version: 4 | 6, on: boolean): void {
    this.stack.forwarding[version] = on;
    if (version === 4) for (const device of this.devices) device.forwarding = on;
  }

  /** A setting as `/proc/sys` has it, for a task of the current cgroup. Errors and names as {@link readSysctl} says. */
  readSysctl(name: string): string {
    return readSysctl(this, name);
  }

  /** Writes a setting. */
  writeSysctl(name: string, value: string): void {
    writeSysctl(this, name, value);
  }

  /** A UDP socket of one version of IP, without a port. @throws SyscallError EPERM where a program forbids it */
  createUdp(version: 4 | 6 = 4): UdpSocket {
    return new UdpSocket(this, version === 4 ? ipv4Family : ipv6Family).created();
  }

  /** A UDP socket; port 0 takes a free one. @throws SyscallError EADDRINUSE, EADDRNOTAVAIL */
  openUdp(port = 0, address = "0.0.0.0"): UdpSocket {
    const socket = this.createUdp(address.includes(":") ? 6 : 4);
    return orClosed(socket, () => socket.bind(port, address));
  }

  /** A TCP socket of one version of IP, without a port. @throws SyscallError EPERM where a program forbids it */
  createTcp(version: 4 | 6 = 4): TcpSocket {
    return new TcpSocket(this, version === 4 ? ipv4Family : ipv6Family).created();
  }

  /** A TCP socket that listens; port 0 takes a free one. @throws SyscallError EADDRINUSE, EADDRNOTAVAIL */
  listenTcp(port = 0, address = "0.0.0.0", backlog?: number): TcpSocket {
    const socket = this.createTcp(address.includes(":") ? 6 : 4);
    return orClosed(socket, () => {
      socket.bind(port, address);
      socket.listen(backlog);
    });
  }

  /** A TCP connection, there or still to come as {@link TcpSocket.connect} says. @throws SyscallError as that does. */
  connectTcp(address: string, port: number): TcpSocket {
    const socket = this.createTcp(address.includes(":") ? 6 : 4);
    return orClosed(socket, () => socket.connect(address, port));
  }

  /** Sends an ICMP echo request; true when the reply came. @throws SyscallError ENETUNREACH */
  ping(address: string, data: Uint8Array = new Uint8Array(56)): boolean {
    return this.stack.ping(parseIpAddress(address), data);
  }

  /** @internal @throws SyscallError EEXIST, EINVAL */
  checkName(name: string): void {
    if (name.length === 0 || name.length >= NAME_SIZE || name === "." || name === ".." || /[/:\s]/.test(name))
      throw failure("RTM_NEWLINK", EINVAL, `'${name}' is no name for a device`);
    if (this.findDevice(name) !== undefined)
      throw failure("RTM_NEWLINK", EEXIST, `there is a device '${name}' already`);
  }

  /** @internal */
  add<T extends Device>(device: T): T {
    this.tables.devices.set(device.index, device);
    device.forwarding = this.stack.forwarding[4];
    return device;
  }

  /** @internal */
  nextIndex(): number {
    do this.#lastIndex++;
    while (this.#lastIndex > 1 && this.tables.devices.has(this.#lastIndex));
    return this.#lastIndex;
  }
}

/** What `work` fails for leaves no socket. */
function orClosed<T extends { close(): void }>(socket: T, work: () => void): T {
  try {
    work();
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
