import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { protocolOf, socketFamily } from "../socket-view.js";
import type { SocketViews } from "../socket-views.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_sock_addr`. */
const field = {
  userFamily: 0,
  user: { ip4: 4, ip6: 8 },
  userPort: 24,
  family: 28,
  type: 32,
  protocol: 36,
  source: { ip4: 40, ip6: 44 },
  sk: 64,
  size: 72,
} as const;

/** `struct bpf_sock_addr`: the address that a call on a socket was given, or gives. */
export class SockAddrContext extends StructContext {
  readonly #sockets: SocketViews;
  #length = 4;

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
  }

  /** @param source where a datagram is to be sent from, for sendmsg programs. */
  load(socket: NetworkSocket, address: Uint8Array, port: number, source?: Uint8Array): void {
    this.clear(socket);
    this.#length = address.length;
    const family = socketFamily(socket);
    const { type, number } = protocolOf(socket);
    this.setWord(field.userFamily, family);
    this.setWord(field.family, family);
    this.setWord(field.type, type);
    this.setWord(field.protocol, number);
    this.setAddress(field.user, address);
    this.setNetworkPort(field.userPort, port);
    this.setAddress(field.source, source);
    this.setWord(field.sk, this.#sockets.view(socket));
  }

  /** The address as programs left it. */
  get userAddress(): Uint8Array {
    return this.bytesAt(this.#length === 4 ? field.user.ip4 : field.user.ip6, this.#length);
  }

  get userPort(): number {
    return this.networkPort(field.userPort);
  }

  get sourceAddress(): Uint8Array {
    return this.bytesAt(this.#length === 4 ? field.source.ip4 : field.source.ip6, this.#length);
  }
}
