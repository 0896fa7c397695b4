import type { LinearMemory } from "../../wasm/index.js";
import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import type { SocketViews } from "../socket-views.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct sk_reuseport_md`; pointers are 64 bits. */
const field = {
  data: 0,
  dataEnd: 8,
  len: 16,
  ethProtocol: 20,
  ipProtocol: 24,
  bindInany: 28,
  hash: 32,
  sk: 40,
  migratingSk: 48,
  size: 56,
} as const;
const DATA_MAX = 16_384;

/** A packet for a group of sockets that share a port: `bytes` from its transport header on. */
export interface SharedPacket {
  readonly bytes: Uint8Array;
  readonly ethProtocol: number;
  readonly ipProtocol: number;
  readonly bindAny: boolean;
  readonly hash: number;
}

/** `struct sk_reuseport_md`: the choice of one socket of a group. */
export class SkReuseportContext extends StructContext {
  readonly #sockets: SocketViews;
  readonly #data: number;
  /** The socket that the program has chosen. */
  chosen: NetworkSocket | undefined;

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
    this.#data = runtime.memory.alloc(DATA_MAX);
  }

  /** @param socket the one that the group was found by. */
  load(socket: NetworkSocket, packet: SharedPacket): void {
    this.clear(socket);
    const memory: LinearMemory = this.memory;
    const length = Math.min(packet.bytes.length, DATA_MAX);
    memory.u8.set(packet.bytes.subarray(0, length), this.#data);
    this.chosen = undefined;
    this.packetStart = this.#data;
    this.packetEnd = this.#data + length;
    this.setWord(field.data, this.packetStart);
    this.setWord(field.dataEnd, this.packetEnd);
    this.setWord(field.len, length);
    this.setNetworkPort(field.ethProtocol, packet.ethProtocol);
    this.setWord(field.ipProtocol, packet.ipProtocol);
    this.setWord(field.bindInany, packet.bindAny ? 1 : 0);
    this.setWord(field.hash, packet.hash);
    this.setWord(field.sk, this.#sockets.view(socket));
  }

  get hash(): number {
    return this.word(field.hash);
  }

  override close(): void {
    this.memory.free(this.#data);
    super.close();
  }
}
