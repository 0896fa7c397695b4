import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import type { SocketViews } from "../socket-views.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_sockopt`; `sk`, `optval` and `optval_end` are 64 bits. */
const field = { sk: 0, value: 8, valueEnd: 16, level: 24, name: 28, length: 32, retval: 36, size: 40 } as const;
/** Bytes of an option's value that programs see at most: a page. */
export const SOCKOPT_VALUE_MAX = 4096;

/** `struct bpf_sockopt`: a socket option that is set or asked for. */
export class SockoptContext extends StructContext {
  readonly #sockets: SocketViews;
  readonly #value: number;

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
    this.#value = runtime.memory.alloc(SOCKOPT_VALUE_MAX);
  }

  /** @param room bytes that programs may write at most; the value is followed by zeros up to there. */
  load(
    socket: NetworkSocket,
    option: { readonly level: number; readonly name: number },
    value: Uint8Array,
    room: number,
  ) {
    this.clear(socket);
    const shown = Math.min(Math.max(value.length, room), SOCKOPT_VALUE_MAX);
    this.memory.u8.fill(0, this.#value, this.#value + shown);
    this.memory.u8.set(value.subarray(0, shown), this.#value);
    this.packetStart = this.#value;
    this.packetEnd = this.#value + shown;
    this.setWord(field.sk, this.#sockets.view(socket));
    this.setWord(field.value, this.packetStart);
    this.setWord(field.valueEnd, this.packetEnd);
    this.setWord(field.level, option.level);
    this.setWord(field.name, option.name);
    this.setWord(field.length, value.length);
  }

  get level(): number {
    return this.word(field.level) | 0;
  }

  get optionName(): number {
    return this.word(field.name) | 0;
  }

  /** -1 where a program has dealt with the option itself. */
  get length(): number {
    return this.word(field.length) | 0;
  }

  setLength(length: number): void {
    this.setWord(field.length, length);
  }

  get retval(): number {
    return this.word(field.retval) | 0;
  }

  set retval(value: number) {
    this.setWord(field.retval, value);
  }

  /** Bytes that programs saw. */
  get shown(): number {
    return this.packetEnd - this.packetStart;
  }

  value(length: number): Uint8Array {
    return this.memory.copy(this.packetStart, length);
  }

  override close(): void {
    this.memory.free(this.#value);
    super.close();
  }
}
