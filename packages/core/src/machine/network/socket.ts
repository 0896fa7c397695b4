import { EADDRNOTAVAIL, EAFNOSUPPORT, EBADF, EINVAL, type TcpState } from "../../abi/index.js";
import type { NetworkSocket } from "../../runtime/index.js";
import { failure } from "../failure.js";
import type { IpFamily } from "./ip-family.js";
import { parseAddress } from "./ip-family.js";
import type { Namespace } from "./namespace.js";
import { isAny } from "./socket-table.js";

/** One end of a socket: an address and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A socket of a namespace, of one version of IP. */
export abstract class Socket implements NetworkSocket {
  abstract readonly protocol: "tcp" | "udp";
  /** `BPF_TCP_*`; a UDP socket is established when it is connected, else closed. */
  abstract readonly state: TcpState;
  readonly namespace: Namespace;
  /** @internal */
  readonly family: IpFamily;
  /** For maps of sockets: `map.raw.update(key, fd)`. */
  readonly fd: number;
  /** Unique in the Machine. */
  readonly cookie: bigint;
  /** 4 or 16 bytes; all zeros for every address of the namespace. */
  localAddress: Uint8Array;
  /** 0 before it has one. */
  localPort = 0;
  remoteAddress: Uint8Array | undefined;
  remotePort: number | undefined;
  /** SO_MARK and SO_PRIORITY: what packets of it start with. */
  mark = 0;
  priority = 0;
  /** SO_REUSEPORT: others with the option may have the same address and port. */
  reusePort = false;
  /** SO_REUSEADDR. */
  reuseAddress = false;
  /** Index of the only device that it is reached by (SO_BINDTODEVICE). */
  boundDevice: number | undefined;
  #open = true;

  /** @internal */
  constructor(namespace: Namespace, family: IpFamily) {
    this.namespace = namespace;
    this.family = family;
    this.localAddress = new Uint8Array(family.addressLength);
    this.cookie = namespace.network.nextCookie();
    this.fd = namespace.network.descriptors.open(this);
  }

  /** False after `close`. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Gives it an address (all by default) and a port; 0 takes a free one.
   *
   * @throws SyscallError EADDRINUSE, EADDRNOTAVAIL, EINVAL for one that has a port, EAFNOSUPPORT for the other version of IP.
   */
  bind(port = 0, address: string = this.family.version === 4 ? "0.0.0.0" : "::"): void {
    this.assertOpen("bind");
    if (this.localPort !== 0) throw failure("bind", EINVAL, `it has port ${this.localPort}`);
    this.bindTo(this.parse("bind", address), port);
  }

  /** Its own end. */
  localEnd(): SocketAddress {
    return { address: this.family.format(this.localAddress), port: this.localPort };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.namespace.network.descriptors.close(this.fd);
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Gives up what it has when its last handle goes. */
  protected abstract release(): void;

  /** @internal */
  protected bindTo(address: Uint8Array, port: number): void {
    const { stack } = this.namespace;
    if (!isAny(address) && !stack.isOwn(address))
      throw failure("bind", EADDRNOTAVAIL, `the namespace has no address ${this.family.format(address)}`);
    const chosen = port === 0 ? stack.sockets.freePort(this.protocol) : port;
    if (port !== 0) stack.sockets.checkFree(this, address, port);
    this.localAddress = address;
    this.localPort = chosen;
    stack.sockets.add(this);
  }

  /** The other end, and where it is reached from; a socket without a port gets one. */
  protected setRemote(remote: Uint8Array, port: number): void {
    const { stack } = this.namespace;
    const source = isAny(this.localAddress) ? stack.sourceTo(remote) : this.localAddress;
    if (this.localPort !== 0) stack.sockets.remove(this);
    else this.localPort = stack.sockets.freePort(this.protocol);
    this.localAddress = source;
    this.remoteAddress = remote;
    this.remotePort = port;
    stack.sockets.add(this);
  }

  protected assertOpen(call: string): void {
    if (!this.#open) throw failure(call, EBADF, "the socket is closed");
  }

  protected parse(call: string, text: string): Uint8Array {
    const address = parseAddress(text);
    if (address.length !== this.family.addressLength)
      throw failure(call, EAFNOSUPPORT, `${text} is no address of IPv${this.family.version}`);
    return address;
  }
}
