import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { socketFamily } from "../socket-view.js";
import type { SocketViews } from "../socket-views.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct sk_msg_md`; pointers are 64 bits. */
const field = {
  data: 0,
  dataEnd: 8,
  family: 16,
  remote: { ip4: 20, ip6: 28 },
  local: { ip4: 24, ip6: 44 },
  remotePort: 60,
  localPort: 64,
  msgSize: 68,
  sk: 72,
  size: 80,
} as const;

/** `struct sk_msg_md`: a message on its way into a socket. All of it is in one piece. */
export class SkMsgContext extends StructContext {
  readonly #sockets: SocketViews;
  #block = 0;
  #capacity = 0;
  #length = 0;
  /** Where the program sends it instead, with BPF_F_INGRESS. */
  redirect: { readonly socket: NetworkSocket; readonly flags: number } | undefined;
  /** Bytes that the verdict is for, and those that are to be there before the program is asked again; 0 for all. */
  applyBytes = 0;
  corkBytes = 0;

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
  }

  load(socket: NetworkSocket, data: Uint8Array): void {
    this.clear(socket);
    this.redirect = undefined;
    this.applyBytes = 0;
    this.corkBytes = 0;
    this.setWord(field.family, socketFamily(socket));
    this.setAddress(field.remote, socket.remoteAddress);
    this.setAddress(field.local, socket.localAddress);
    this.setNetworkPort(field.remotePort + 2, socket.remotePort ?? 0);
    this.setWord(field.localPort, socket.localPort);
    this.setWord(field.sk, this.#sockets.view(socket));
    this.replace(data);
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return this.memory.copy(this.#block, this.#length);
  }

  /** The program sees bytes `start` up to `end` of the message. */
  show(start: number, end: number): void {
    this.packetStart = this.#block + start;
    this.packetEnd = this.#block + end;
    this.setWord(field.data, this.packetStart);
    this.setWord(field.dataEnd, this.packetEnd);
    if (this.runtime.run.context === this) this.runtime.setPacket(this.packetStart, this.packetEnd);
  }

  /** The message is this from now on. */
  replace(data: Uint8Array): void {
    if (data.length > this.#capacity || this.#block === 0) {
      if (this.#block !== 0) this.memory.free(this.#block);
      this.#capacity = Math.max(data.length, 4096);
      this.#block = this.memory.alloc(this.#capacity);
    }
    this.memory.u8.set(data, this.#block);
    this.#length = data.length;
    this.setWord(field.msgSize, data.length);
    this.show(0, data.length);
  }

  override close(): void {
    if (this.#block !== 0) this.memory.free(this.#block);
    super.close();
  }
}
