import { EDESTADDRREQ, EINVAL, ENOTCONN, tcpState } from "../../abi/index.js";
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
  readonly connection = undefined;
  readonly #received: { readonly address: Uint8Array; readonly port: number; readonly data: Uint8Array }[] = [];

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
    const to = this.askToConnect(this.parse("connect", address), port);
    this.setRemote(to.address, to.port);
  }

  /**
   * Sends a datagram. It goes as far as it gets before this returns.
   *
   * @throws SyscallError ENETUNREACH without a route, EMSGSIZE for what does not fit into one packet, EDESTADDRREQ without
   * an address on a socket that isn't connected, EINVAL for port 0, EPERM where a program of the cgroup forbids it.
   */
  send(data: Uint8Array, address?: string, port?: number): void {
    this.assertOpen("sendto");
    let to: Uint8Array | undefined = this.remoteAddress;
    let toPort = this.remotePort ?? 0;
    let source = isAny(this.localAddress) ? undefined : this.localAddress;
    if (address !== undefined) {
      const from = source ?? new Uint8Array(this.family.addressLength);
      const hooked = this.hooks.address(this, "sendmsg", this.parse("sendto", address), port ?? 0, from);
      if (hooked.error !== 0) throw failure("sendto", -hooked.error, "a program of the cgroup forbids it");
      if (hooked.port === 0) throw failure("sendto", EINVAL, "port 0");
      to = hooked.address;
      toPort = hooked.port;
      source = hooked.source !== undefined && !isAny(hooked.source) ? hooked.source : source;
    }
    if (to === undefined) throw failure("sendto", EDESTADDRREQ, "it isn't connected");
    if (this.localPort === 0) this.bindTo(this.localAddress, 0);
    const layer = udp({ src: this.localPort, dst: toPort });
    const error = this.namespace.stack.output({ socket: this, source, destination: to }, layer, data);
    if (error !== 0) throw failure("sendto", error, `to ${this.family.format(to)}`);
    this.namespace.network.drain();
  }

  /**
   * The oldest datagram that has arrived, or undefined.
   *
   * @throws SyscallError EPERM and the like where a program of the cgroup says so; the datagram is lost.
   */
  receive(): Datagram | undefined {
    const datagram = this.#received.shift();
    if (datagram === undefined) return undefined;
    const { error, address, port } = this.hooks.address(this, "recvmsg", datagram.address, datagram.port);
    if (error !== 0) throw failure("recvfrom", -error, "a program of the cgroup forbids it");
    return { address: this.family.format(address), port, data: datagram.data };
  }

  /** The end that it is connected to. @throws SyscallError ENOTCONN */
  remoteEnd(): SocketAddress {
    if (this.remoteAddress === undefined) throw failure("getpeername", ENOTCONN, "it isn't connected");
    return this.peerName();
  }

  protected release(): void {
    this.namespace.stack.sockets.remove(this);
  }

  /** @internal */
  deliver(address: Uint8Array, port: number, data: Uint8Array): void {
    if (this.#received.length < QUEUE_LIMIT) this.#received.push({ address, port, data });
    else this.dropped++;
  }
}
