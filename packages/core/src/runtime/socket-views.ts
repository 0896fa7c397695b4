import type { NetworkSocket } from "./network-tables.js";
import type { RunContext } from "./run-stack.js";
import type { Runtime } from "./runtime.js";
import { SocketView } from "./socket-view.js";
import { tcpWords } from "./tcp-info.js";

/** Bytes of `struct bpf_tcp_sock`. */
const TCP_SOCK_SIZE = 112;
const tcpSock = { bytesReceived: 80, bytesAcknowledged: 88, delivered: 100, retransmits: 108 } as const;

/** A context that stands for a socket: r1 may be handed to helpers that want one. */
export interface SocketContext extends RunContext {
  readonly socket: NetworkSocket | undefined;
}

interface Views {
  readonly view: SocketView;
  tcp: number;
}

/** Sockets as programs see them: a `struct bpf_sock` in linear memory for each that a program was handed. */
export class SocketViews {
  readonly #runtime: Runtime;
  readonly #views = new Map<NetworkSocket, Views>();
  readonly #byAddress = new Map<number, NetworkSocket>();
  readonly #owned = new WeakMap<NetworkSocket, readonly { close(): void }[]>();
  /** Sockets that maps hold, by the handles in the maps. */
  readonly #byHandle = new Map<number, NetworkSocket>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Address of a socket's `struct bpf_sock`, as it is now. */
  view(socket: NetworkSocket): number {
    const { view } = this.#viewsOf(socket);
    view.setSocket(socket);
    return view.address;
  }

  /** Address of a connection's `struct bpf_tcp_sock`, as it is now; 0 for a socket that has none. */
  tcp(socket: NetworkSocket): number {
    const { tcp: info } = socket;
    if (info === undefined) return 0;
    const views = this.#viewsOf(socket);
    const { memory } = this.#runtime;
    views.tcp ||= this.#makeTcp(socket);
    const at = views.tcp;
    memory.u8.fill(0, at, at + TCP_SOCK_SIZE);
    tcpWords(info).forEach((word, index) => {
      memory.u32[(at >> 2) + index] = word;
    });
    memory.view.setBigUint64(at + tcpSock.bytesReceived, BigInt(info.bytesReceived), true);
    memory.view.setBigUint64(at + tcpSock.bytesAcknowledged, BigInt(info.bytesAcknowledged), true);
    memory.u32[(at + tcpSock.delivered) >> 2] = info.delivered;
    memory.u32[(at + tcpSock.retransmits) >> 2] = info.timeouts;
    return at;
  }

  /** The socket behind a pointer of the program that runs: a view, or the context where that stands for a socket. */
  at(pointer: number): NetworkSocket | undefined {
    const address = pointer >>> 0;
    const found = this.#byAddress.get(address);
    if (found !== undefined) return found;
    const { context } = this.#runtime.run;
    return context.address === address && "socket" in context ? (context as SocketContext).socket : undefined;
  }

  /** Writes what has changed of a socket into its view, where there is one. */
  refresh(socket: NetworkSocket): void {
    this.#views.get(socket)?.view.setSocket(socket);
  }

  /** Something that goes with the socket. */
  whenGone(socket: NetworkSocket, owned: { close(): void }): void {
    this.#owned.set(socket, [...(this.#owned.get(socket) ?? []), owned]);
  }

  /** A map holds the socket by this handle. */
  hold(handle: number, socket: NetworkSocket): void {
    this.#byHandle.set(handle, socket);
  }

  /** The socket that a map holds by a handle. */
  held(handle: number): NetworkSocket | undefined {
    return this.#byHandle.get(handle);
  }

  /** No map holds it any more. */
  unhold(handle: number): void {
    this.#byHandle.delete(handle);
  }

  /** The socket is gone. */
  drop(socket: NetworkSocket): void {
    if (socket.handle !== undefined) this.#byHandle.delete(socket.handle);
    for (const each of this.#owned.get(socket) ?? []) each.close();
    this.#owned.delete(socket);
    const views = this.#views.get(socket);
    if (views === undefined) return;
    this.#views.delete(socket);
    this.#byAddress.delete(views.view.address);
    views.view.close();
    if (views.tcp === 0) return;
    this.#byAddress.delete(views.tcp);
    this.#runtime.regions.remove(views.tcp);
    this.#runtime.memory.free(views.tcp);
  }

  #viewsOf(socket: NetworkSocket): Views {
    const known = this.#views.get(socket);
    if (known !== undefined) return known;
    const made = { view: new SocketView(this.#runtime), tcp: 0 };
    this.#views.set(socket, made);
    this.#byAddress.set(made.view.address, socket);
    return made;
  }

  #makeTcp(socket: NetworkSocket): number {
    const size = TCP_SOCK_SIZE;
    const start = this.#runtime.memory.alloc(size);
    const stride = size;
    this.#runtime.regions.add({ name: "TCP socket", start, length: size, stride, offset: 0, size, writable: false });
    this.#byAddress.set(start, socket);
    return start;
  }
}
