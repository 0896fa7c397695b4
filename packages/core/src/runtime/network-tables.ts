import type { ControlGroup } from "./control-group.js";
import type { TcpInfo } from "./tcp-info.js";

/** A network device, as far as helpers ask about it. */
export interface NetworkDevice {
  readonly name: string;
  /** Bytes of a packet, without its link layer header; 1500 by default. */
  readonly mtu?: number | undefined;
  /** 6 bytes; zeros by default. */
  readonly mac?: Uint8Array | undefined;
  /** 1 by default. */
  readonly rxQueues?: number | undefined;
  /** Does the machine route what comes in here? No by default, as in a fresh network namespace. */
  readonly forwarding?: boolean | undefined;
}

/** A route. Addresses are 4 or 16 bytes in network order. */
export interface Route {
  readonly destination: Uint8Array;
  /** Bits of {@link destination} that count. */
  readonly prefixLength: number;
  /** Index of the device that it leads out of. */
  readonly device: number;
  /** Next hop; absent where the destination is a neighbour itself. */
  readonly gateway?: Uint8Array | undefined;
  /** What it does instead of leading anywhere; `"local"` is an own address. */
  readonly kind?: "unicast" | "local" | "blackhole" | "unreachable" | "prohibit" | undefined;
  readonly metric?: number | undefined;
  /** Lower than the device's, where the path has a smaller one. */
  readonly mtu?: number | undefined;
  /** Source address that this machine would use. */
  readonly source?: Uint8Array | undefined;
  /** 254, the main table, by default. */
  readonly table?: number | undefined;
}

/** A neighbour whose link layer address is known. */
export interface Neighbour {
  readonly address: Uint8Array;
  readonly device: number;
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

/** A socket of the machine that lookups find. Addresses are 4 or 16 bytes in network order, ports numbers. */
export interface NetworkSocket {
  readonly protocol: "tcp" | "udp";
  readonly localAddress: Uint8Array;
  readonly localPort: number;
  /** Absent for listening and unconnected sockets. */
  readonly remoteAddress?: Uint8Array | undefined;
  readonly remotePort?: number | undefined;
  readonly mark?: number | undefined;
  readonly priority?: number | undefined;
  readonly boundDevice?: number | undefined;
  readonly cookie?: bigint | undefined;
  readonly uid?: number | undefined;
  /** `BPF_TCP_*`; by default established where it is connected, else listening (TCP) or closed. */
  readonly state?: number | undefined;
  /** What maps hold it by, unique among sockets and not 0. */
  readonly handle?: number | undefined;
  /** Its file descriptor, where it has one. */
  readonly fd?: number | undefined;
  /** The control group that it was made in; the root by default. */
  readonly cgroup?: ControlGroup | undefined;
  /** The cookie of its network namespace. */
  readonly namespaceCookie?: bigint | undefined;
  /** Of a TCP connection. */
  readonly tcp?: TcpInfo | undefined;
  /** The socket that this connection was accepted by. */
  readonly listener?: NetworkSocket | undefined;
  /** Option bytes, or a negative errno. */
  getOption?(level: number, name: number, size: number): Uint8Array | number;
  /** 0, or a negative errno. No hook is asked. */
  setOption?(level: number, name: number, value: Uint8Array): number;
  /** Binds it in the middle of a connect: 0, or a negative errno. No hook is asked. */
  bindQuietly?(address: Uint8Array, port: number): number;
  /** Which operations of the connection its programs want to hear of (BPF_SOCK_OPS_*_CB_FLAG). */
  callbackFlags?: number;
}

/** What programs can look up of the network around them. The caller fills it; at first there is the loopback device. */
export class NetworkTables {
  /** Devices by index. */
  readonly devices = new Map<number, NetworkDevice>([[1, { name: "lo", mtu: 65_536 }]]);
  readonly routes: Route[] = [];
  readonly neighbours: Neighbour[] = [];
  readonly sockets: NetworkSocket[] = [];

  /** The route to `destination` with the longest prefix, and of those the one with the lowest metric. */
  route(destination: Uint8Array, table = 254): Route | undefined {
    let best: Route | undefined;
    for (const route of this.routes) {
      if (route.destination.length !== destination.length || (route.table ?? 254) !== table) continue;
      if (!hasPrefix(destination, route.destination, route.prefixLength)) continue;
      if (best === undefined || isBetter(route, best)) best = route;
    }
    return best;
  }

  neighbour(address: Uint8Array, device: number): Neighbour | undefined {
    return this.neighbours.find((neighbour) => neighbour.device === device && isEqual(neighbour.address, address));
  }

  /** The socket that a packet to `local` from `remote` belongs to: a connected one before a listening one. */
  socket(
    protocol: "tcp" | "udp",
    local: { readonly address: Uint8Array; readonly port: number },
    remote: { readonly address: Uint8Array; readonly port: number },
  ): NetworkSocket | undefined {
    const candidates = this.sockets.filter((socket) => {
      const isHere = isEqual(socket.localAddress, local.address) || isAny(socket.localAddress, local.address.length);
      return socket.protocol === protocol && socket.localPort === local.port && isHere;
    });
    const connected = candidates.find(({ remoteAddress, remotePort }) => {
      return remoteAddress !== undefined && remotePort === remote.port && isEqual(remoteAddress, remote.address);
    });
    const free = candidates.filter(({ remoteAddress }) => remoteAddress === undefined);
    return connected ?? free.find(({ localAddress }) => isEqual(localAddress, local.address)) ?? free[0];
  }
}

function isBetter(route: Route, than: Route): boolean {
  if (route.prefixLength !== than.prefixLength) return route.prefixLength > than.prefixLength;
  return (route.metric ?? 0) < (than.metric ?? 0);
}

function hasPrefix(address: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== prefix[at]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ prefix[whole]!) >> (8 - rest) === 0;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function isAny(address: Uint8Array, length: number): boolean {
  return address.length === length && address.every((byte) => byte === 0);
}
