import { EADDRINUSE, tcpState } from "../../abi/index.js";
import type { NetworkTables } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { isSameAddress } from "./ip-family.js";
import type { Socket } from "./socket.js";

const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_EPHEMERAL_PORT = 60_999;

/** Where a packet comes from and goes to. */
export interface Flow {
  readonly protocol: "tcp" | "udp";
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Index of the device that it came in by. */
  readonly device: number;
}

/** Sockets of a namespace that have a port. */
export class SocketTable {
  readonly #tables: NetworkTables;
  /** By protocol and local port. */
  readonly #ports = new Map<string, Socket[]>();
  #lastPort = FIRST_EPHEMERAL_PORT - 1;

  constructor(tables: NetworkTables) {
    this.#tables = tables;
  }

  /** Puts a socket at its local address and port. */
  add(socket: Socket): void {
    const key = `${socket.protocol} ${socket.localPort}`;
    const sockets = this.#ports.get(key);
    if (sockets === undefined) this.#ports.set(key, [socket]);
    else sockets.push(socket);
    this.#tables.sockets.push(socket);
  }

  remove(socket: Socket): void {
    const key = `${socket.protocol} ${socket.localPort}`;
    const sockets = this.#ports.get(key) ?? [];
    const at = sockets.indexOf(socket);
    if (at < 0) return;
    sockets.splice(at, 1);
    if (sockets.length === 0) this.#ports.delete(key);
    this.#tables.sockets.splice(this.#tables.sockets.indexOf(socket), 1);
  }

  /** @throws SyscallError EADDRINUSE where another socket stands in the way. */
  checkFree(socket: Socket, address: Uint8Array, port: number): void {
    const others = this.#ports.get(`${socket.protocol} ${port}`) ?? [];
    if (others.some((other) => other !== socket && isInTheWay(other, socket, address)))
      throw failure("bind", EADDRINUSE, `${socket.protocol} port ${port}`);
  }

  /** A port that no socket of the protocol has. @throws SyscallError EADDRINUSE when there is none. */
  freePort(protocol: "tcp" | "udp"): number {
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= LAST_EPHEMERAL_PORT; tries++) {
      this.#lastPort = this.#lastPort >= LAST_EPHEMERAL_PORT ? FIRST_EPHEMERAL_PORT : this.#lastPort + 1;
      if (!this.#ports.has(`${protocol} ${this.#lastPort}`)) return this.#lastPort;
    }
    throw failure("bind", EADDRINUSE, "all ports are taken");
  }

  /** The connection, or the connected socket, that a packet belongs to. */
  connected(flow: Flow): Socket | undefined {
    return this.#best(flow, (socket) => socket.remoteAddress !== undefined);
  }

  /** The socket that takes what belongs to no connection. */
  unconnected(flow: Flow): Socket | undefined {
    return this.#best(flow, (socket) => socket.remoteAddress === undefined);
  }

  /** Sockets that share an address and port with `socket` (SO_REUSEPORT), in the order in which they came. */
  group(socket: Socket): Socket[] {
    const sockets = this.#ports.get(`${socket.protocol} ${socket.localPort}`) ?? [];
    return sockets.filter(
      (other) =>
        other.reusePort &&
        other.remoteAddress === undefined &&
        isSameAddress(other.localAddress, socket.localAddress) &&
        takesPackets(other),
    );
  }

  #best(flow: Flow, wanted: (socket: Socket) => boolean): Socket | undefined {
    let best: Socket | undefined;
    let highest = -1;
    for (const socket of this.#ports.get(`${flow.protocol} ${flow.destinationPort}`) ?? []) {
      if (!wanted(socket) || !takesPackets(socket)) continue;
      const score = scoreOf(socket, flow);
      if (score > highest) {
        best = socket;
        highest = score;
      }
    }
    return best;
  }
}

/** A TCP socket that only has a port takes nothing. */
function takesPackets({ protocol, state }: Socket): boolean {
  return protocol === "udp" || state !== tcpState.close;
}

/** How well a socket fits a packet; -1 for not at all. */
function scoreOf(socket: Socket, flow: Flow): number {
  const { localAddress, remoteAddress, remotePort, boundDevice } = socket;
  if (localAddress.length !== flow.destination.length) return -1;
  let score = 0;
  if (isSameAddress(localAddress, flow.destination)) score += 2;
  else if (!isAny(localAddress)) return -1;
  if (remoteAddress !== undefined) {
    if (remotePort !== flow.sourcePort || !isSameAddress(remoteAddress, flow.source)) return -1;
    score += 4;
  }
  if (boundDevice !== undefined) {
    if (boundDevice !== flow.device) return -1;
    score++;
  }
  return score;
}

function isInTheWay(other: Socket, socket: Socket, address: Uint8Array): boolean {
  if (other.localAddress.length !== address.length) return false;
  const overlaps = isSameAddress(other.localAddress, address) || isAny(other.localAddress) || isAny(address);
  if (!overlaps) return false;
  if (other.boundDevice !== undefined && socket.boundDevice !== undefined && other.boundDevice !== socket.boundDevice)
    return false;
  if (other.reusePort && socket.reusePort) return false;
  return !(other.reuseAddress && socket.reuseAddress && other.state !== tcpState.listen);
}

export function isAny(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}
