import { EDESTADDRREQ, ENOTCONN, tcpState } from "../../abi/index.js";
import { udp } from "../../packet/index.js";
import { failure } from "../failure.js";
import { Socket, type SocketAddress } from "./socket.js";
import { isAny } from "./socket-table.js";

/** Datagrams that wait for their reader at most. */
const QUEUE_LIMIT = 1024;

/** A datagram that a socket has received. */
export interface Datagram extends SocketAddress {
  readonly data: Uint8Array;
}

/** A UDP socket of a namespace. */
export class UdpSocket extends Socket {
  readonly protocol = "udp";
  /** Datagrams that found no room. */
  dropped = 0;
  readonly #received: Datagram[] = [];

  get state() {
    return this.remoteAddress === undefined ? tcpState.close : tcpState.established;
  }

  /**
   * Only datagrams from there are received from now on, and {@link send} goes there without being told.
   *
   * @throws SyscallError ENETUNREACH without a route, EAFNOSUPPORT for the other version of IP.
   */
  connect(address: string, port: number): void {
    this.assertOpen("connect");
    this.setRemote(this.parse("connect", address), port);
  }

  /**
   * Sends a datagram. It goes as far as it gets before this returns.
   *
   * @throws SyscallError ENETUNREACH without a route, EMSGSIZE for what does not fit into one packet, EDESTADDRREQ without
   * an address on a socket that isn't connected.
   */
  send(data: Uint8Array, address?: string, port?: number): void {
    this.assertOpen("sendto");
    const destination = address === undefined ? this.remoteAddress : this.parse("sendto", address);
    if (destination === undefined) throw failure("sendto", EDESTADDRREQ, "it isn't connected");
    const to = address === undefined ? this.remotePort! : (port ?? 0);
    if (this.localPort === 0) this.bindTo(this.localAddress, 0);
    const { stack } = this.namespace;
    const source = isAny(this.localAddress) ? undefined : this.localAddress;
    const error = stack.output({ socket: this, source, destination }, udp({ src: this.localPort, dst: to }), data);
    if (error !== 0) throw failure("sendto", error, `to ${this.family.format(destination)}`);
    this.namespace.network.drain();
  }

  /** The oldest datagram that has arrived, or undefined. */
  receive(): Datagram | undefined {
    return this.#received.shift();
  }

  /** The end that it is connected to. @throws SyscallError ENOTCONN */
  remoteEnd(): SocketAddress {
    if (this.remoteAddress === undefined) throw failure("getpeername", ENOTCONN, "it isn't connected");
    return { address: this.family.format(this.remoteAddress), port: this.remotePort! };
  }

  protected release(): void {
    this.namespace.stack.sockets.remove(this);
  }

  /** @internal */
  deliver(datagram: Datagram): void {
    if (this.#received.length < QUEUE_LIMIT) this.#received.push(datagram);
    else this.dropped++;
  }
}
