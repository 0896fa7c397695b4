import { tcpState } from "../../abi/index.js";
import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { socketFamily } from "../socket-view.js";
import type { SocketViews } from "../socket-views.js";
import { tcpWords } from "../tcp-info.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_sock_ops`; u32s unless told otherwise. */
const field = {
  op: 0,
  /** Four u32s; the first is the reply as well. */
  args: 4,
  family: 20,
  remote: { ip4: 24, ip6: 32 },
  local: { ip4: 28, ip6: 48 },
  remotePort: 64,
  localPort: 68,
  isFullSocket: 72,
  congestionWindow: 76,
  smoothedRoundTrip: 80,
  callbackFlags: 84,
  state: 88,
  minimumRoundTrip: 92,
  /** From here on as in `struct bpf_tcp_sock`. */
  slowStartThreshold: 96,
  /** u64s. */
  bytesReceived: 168,
  bytesAcknowledged: 176,
  sk: 184,
  data: 192,
  dataEnd: 200,
  skbLength: 208,
  tcpFlags: 212,
  size: 224,
} as const;
const DATA_MAX = 64;

/** A socket operation: what happens to a connection, with numbers that say more of it. */
export interface SocketOperation {
  /** BPF_SOCK_OPS_*. */
  readonly op: number;
  readonly args?: readonly number[];
  /** The TCP header, for operations that have one, and the length and flags of its segment. */
  readonly header?: Uint8Array;
  readonly length?: number;
  readonly flags?: number;
  /** The connection is a request yet: no whole socket stands behind it. */
  readonly isRequest?: boolean;
  /** Bytes of options that are kept free for the program: for BPF_SOCK_OPS_WRITE_HDR_OPT_CB. */
  readonly reserved?: number;
}

/** `struct bpf_sock_ops`. */
export class SockOpsContext extends StructContext {
  readonly #sockets: SocketViews;
  readonly #data: number;
  /** Which operation it is. */
  op = 0;
  isRequest = false;
  /** Bytes of options that the program reserved, or that are left for it. */
  reserved = 0;
  /** Options that the program has written. */
  written: number[] = [];

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
    this.#data = runtime.memory.alloc(DATA_MAX);
  }

  load(socket: NetworkSocket, operation: SocketOperation, callbackFlags: number): void {
    this.clear(socket);
    this.op = operation.op;
    this.reserved = operation.reserved ?? 0;
    this.written = [];
    this.setWord(field.op, operation.op);
    (operation.args ?? []).forEach((value, at) => {
      this.setWord(field.args + 4 * at, value);
    });
    this.setWord(field.family, socketFamily(socket));
    this.setAddress(field.remote, socket.remoteAddress);
    this.setAddress(field.local, socket.localAddress);
    // A u32 in network order of which the lower 16 bits are the port.
    this.setNetworkPort(field.remotePort + 2, socket.remotePort ?? 0);
    this.setWord(field.localPort, socket.localPort);
    this.#writeHeader(operation);
    this.isRequest = operation.isRequest ?? false;
    this.setWord(field.state, this.isRequest ? tcpState.newSynReceived : (socket.state ?? 0));
    if (this.isRequest) return;
    this.setWord(field.isFullSocket, 1);
    this.setWord(field.callbackFlags, callbackFlags);
    this.#writeTcp(socket);
    this.setWord(field.sk, this.#sockets.view(socket));
  }

  get reply(): number {
    return this.word(field.args) | 0;
  }

  set reply(value: number) {
    this.setWord(field.args, value);
  }

  set callbackFlags(flags: number) {
    this.setWord(field.callbackFlags, flags);
  }

  /** The TCP header of the operation. */
  get header(): Uint8Array {
    return this.memory.copy(this.packetStart, this.packetEnd - this.packetStart);
  }

  override close(): void {
    this.memory.free(this.#data);
    super.close();
  }

  #writeTcp({ tcp }: NetworkSocket): void {
    if (tcp === undefined) return;
    const words = tcpWords(tcp);
    const [window, smoothed, minimum, ...others] = words;
    this.setWord(field.congestionWindow, window!);
    this.setWord(field.smoothedRoundTrip, smoothed!);
    this.setWord(field.minimumRoundTrip, minimum!);
    others.forEach((word, at) => {
      this.setWord(field.slowStartThreshold + 4 * at, word);
    });
    this.memory.view.setBigUint64(this.address + field.bytesReceived, BigInt(tcp.bytesReceived), true);
    this.memory.view.setBigUint64(this.address + field.bytesAcknowledged, BigInt(tcp.bytesAcknowledged), true);
  }

  #writeHeader({ header, length, flags }: SocketOperation): void {
    if (header === undefined) return;
    this.memory.u8.set(header.subarray(0, DATA_MAX), this.#data);
    this.packetStart = this.#data;
    this.packetEnd = this.#data + Math.min(header.length, DATA_MAX);
    this.setWord(field.data, this.packetStart);
    this.setWord(field.dataEnd, this.packetEnd);
    this.setWord(field.skbLength, length ?? header.length);
    this.setWord(field.tcpFlags, flags ?? 0);
  }
}
