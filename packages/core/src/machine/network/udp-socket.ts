import { parseAddress } from "./ip-family.js";
import type { Namespace } from "./namespace.js";

/** Datagrams that wait for their reader at most. */
const QUEUE_LIMIT = 1024;

/** A datagram that a socket has received. */
export interface Datagram {
  /** Who sent it. */
  readonly address: string;
  readonly port: number;
  readonly data: Uint8Array;
}

/** A UDP socket of a namespace. */
export class UdpSocket {
  readonly namespace: Namespace;
  /** 4 or 16 bytes; all zeros for every address of the namespace. */
  readonly localAddress: Uint8Array;
  readonly localPort: number;
  readonly protocol = "udp";
  /** SO_MARK and SO_PRIORITY: what packets of it start with. */
  mark = 0;
  priority = 0;
  /** Datagrams that found no room. */
  dropped = 0;
  readonly #received: Datagram[] = [];
  #open = true;

  /** @internal */
  constructor(namespace: Namespace, address: Uint8Array, port: number) {
    this.namespace = namespace;
    this.localAddress = address;
    this.localPort = port;
  }

  /**
   * Sends a datagram. It goes as far as it gets before this returns.
   *
   * @throws SyscallError ENETUNREACH without a route, EMSGSIZE for what does not fit into one packet.
   */
  send(data: Uint8Array, address: string, port: number): void {
    const { stack } = this.namespace;
    stack.sendUdp(this, data, parseAddress(address), port);
    this.namespace.network.drain();
  }

  /** The oldest datagram that has arrived, or undefined. */
  receive(): Datagram | undefined {
    return this.#received.shift();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.namespace.stack.removeSocket(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  deliver(datagram: Datagram): void {
    if (this.#received.length < QUEUE_LIMIT) this.#received.push(datagram);
    else this.dropped++;
  }
}
