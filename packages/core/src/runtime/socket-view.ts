import type { LinearMemory } from "../wasm/index.js";
import type { NetworkSocket } from "./network-tables.js";
import type { Runtime } from "./runtime.js";

/** Offsets in `struct bpf_sock`; u32s unless told otherwise. */
export const bpfSock = {
  boundDevice: 0,
  family: 4,
  type: 8,
  protocol: 12,
  mark: 16,
  priority: 20,
  localIp4: 24,
  localIp6: 28,
  /** In host order. */
  localPort: 44,
  /** u16 in network order. */
  remotePort: 48,
  remoteIp4: 52,
  remoteIp6: 56,
  state: 72,
  rxQueue: 76,
  size: 80,
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const TCP_ESTABLISHED = 1;
const TCP_CLOSE = 7;
const TCP_LISTEN = 10;

/** A `struct bpf_sock` in linear memory that programs may read. */
export class SocketView {
  readonly address: number;
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.address = runtime.memory.alloc(bpfSock.size);
    const { size } = bpfSock;
    const start = this.address;
    runtime.regions.add({ name: "socket", start, length: size, stride: size, offset: 0, size, writable: false });
  }

  get #memory(): LinearMemory {
    return this.#runtime.memory;
  }

  field(offset: number): number {
    return this.#memory.u32[(this.address + offset) >> 2]!;
  }

  /** A socket that belongs to nobody: what test runs hang on their packets. Ends are 4 or 16 bytes, or none. */
  setUnconnected(local: Uint8Array | undefined, remote: Uint8Array | undefined): void {
    this.#memory.u8.fill(0, this.address, this.address + bpfSock.size);
    this.#set(bpfSock.family, local === undefined ? 0 : local.length === 4 ? AF_INET : AF_INET6);
    this.#set(bpfSock.state, TCP_CLOSE);
    this.#set(bpfSock.rxQueue, -1);
    this.#setAddresses(local, remote);
  }

  setSocket(socket: NetworkSocket): void {
    this.#memory.u8.fill(0, this.address, this.address + bpfSock.size);
    const isTcp = socket.protocol === "tcp";
    const isConnected = socket.remoteAddress !== undefined;
    this.#set(bpfSock.boundDevice, socket.boundDevice ?? 0);
    this.#set(bpfSock.family, socket.localAddress.length === 4 ? AF_INET : AF_INET6);
    this.#set(bpfSock.type, isTcp ? SOCK_STREAM : SOCK_DGRAM);
    this.#set(bpfSock.protocol, isTcp ? IPPROTO_TCP : IPPROTO_UDP);
    this.#set(bpfSock.mark, socket.mark ?? 0);
    this.#set(bpfSock.priority, socket.priority ?? 0);
    this.#set(bpfSock.state, isConnected ? TCP_ESTABLISHED : isTcp ? TCP_LISTEN : TCP_CLOSE);
    this.#set(bpfSock.rxQueue, -1);
    this.#set(bpfSock.localPort, socket.localPort);
    this.#memory.view.setUint16(this.address + bpfSock.remotePort, socket.remotePort ?? 0, false);
    this.#setAddresses(socket.localAddress, socket.remoteAddress);
  }

  close(): void {
    this.#runtime.regions.remove(this.address);
    this.#memory.free(this.address);
  }

  #set(offset: number, value: number): void {
    this.#memory.u32[(this.address + offset) >> 2] = value;
  }

  #setAddresses(local: Uint8Array | undefined, remote: Uint8Array | undefined): void {
    const { u8 } = this.#memory;
    if (local !== undefined) u8.set(local, this.address + (local.length === 4 ? bpfSock.localIp4 : bpfSock.localIp6));
    if (remote !== undefined)
      u8.set(remote, this.address + (remote.length === 4 ? bpfSock.remoteIp4 : bpfSock.remoteIp6));
  }
}
