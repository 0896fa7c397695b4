import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, tcpState } from "../abi/index.js";
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

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

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
    this.#set(bpfSock.state, tcpState.close);
    this.#set(bpfSock.rxQueue, -1);
    writeAddresses(this.#memory, this.address, local, remote);
  }

  setSocket(socket: NetworkSocket): void {
    writeSocket(this.#memory, this.address, socket);
  }

  close(): void {
    this.#runtime.regions.remove(this.address);
    this.#memory.free(this.address);
  }

  #set(offset: number, value: number): void {
    this.#memory.u32[(this.address + offset) >> 2] = value;
  }
}

/** AF_INET or AF_INET6. */
export function socketFamily({ localAddress }: NetworkSocket): number {
  return localAddress.length === 4 ? AF_INET : AF_INET6;
}

/** SOCK_* and IPPROTO_* of a socket. */
export function protocolOf({ protocol }: NetworkSocket): { readonly type: number; readonly number: number } {
  return protocol === "tcp" ? { type: SOCK_STREAM, number: IPPROTO_TCP } : { type: SOCK_DGRAM, number: IPPROTO_UDP };
}

/** Writes a socket as a `struct bpf_sock`. */
export function writeSocket(memory: LinearMemory, at: number, socket: NetworkSocket): void {
  memory.u8.fill(0, at, at + bpfSock.size);
  const isConnected = socket.remoteAddress !== undefined;
  const { type, number } = protocolOf(socket);
  const set = (offset: number, value: number) => {
    memory.u32[(at + offset) >> 2] = value;
  };
  set(bpfSock.boundDevice, socket.boundDevice ?? 0);
  set(bpfSock.family, socketFamily(socket));
  set(bpfSock.type, type);
  set(bpfSock.protocol, number);
  set(bpfSock.mark, socket.mark ?? 0);
  set(bpfSock.priority, socket.priority ?? 0);
  const idle = socket.protocol === "tcp" ? tcpState.listen : tcpState.close;
  set(bpfSock.state, socket.state ?? (isConnected ? tcpState.established : idle));
  set(bpfSock.rxQueue, -1);
  set(bpfSock.localPort, socket.localPort);
  memory.view.setUint16(at + bpfSock.remotePort, socket.remotePort ?? 0, false);
  writeAddresses(memory, at, socket.localAddress, socket.remoteAddress);
}

function writeAddresses(
  { u8 }: LinearMemory,
  at: number,
  local: Uint8Array | undefined,
  remote: Uint8Array | undefined,
): void {
  if (local !== undefined) u8.set(local, at + (local.length === 4 ? bpfSock.localIp4 : bpfSock.localIp6));
  if (remote !== undefined) u8.set(remote, at + (remote.length === 4 ? bpfSock.remoteIp4 : bpfSock.remoteIp6));
}
