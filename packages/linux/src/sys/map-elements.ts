import { bpfCommands } from "./attributes.js";
import { lastErrno, libc } from "./libc.js";
import { keepAlive, NativeBuffer, setU64 } from "./memory.js";

/** Commands that work on one element. */
export const elementCommands = {
  lookup: bpfCommands.BPF_MAP_LOOKUP_ELEM.number,
  update: bpfCommands.BPF_MAP_UPDATE_ELEM.number,
  delete: bpfCommands.BPF_MAP_DELETE_ELEM.number,
  nextKey: bpfCommands.BPF_MAP_GET_NEXT_KEY.number,
  lookupAndDelete: bpfCommands.BPF_MAP_LOOKUP_AND_DELETE_ELEM.number,
} as const;

const ATTR_SIZE = 32;
/** BPF_MAP_DELETE_ELEM refuses an attr with anything behind the key. */
const DELETE_ATTR_SIZE = 16;
const KEY_ADDRESS = 8;
const FLAGS = 24;
/** Up to here a loop copies faster than the engine's own function does. */
const SMALL = 64;

/**
 * Calls on one map's elements. The attr, a key and a value lie in one buffer whose address is taken once, so that a call
 * costs little more than the system call.
 */
export class MapElements {
  readonly #buffer: NativeBuffer;
  readonly #keySize: number;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array;
  readonly #bpf = libc().bpf;
  #flags = 0;

  /** @param valueSize Bytes that the kernel reads or writes as a value. */
  constructor(fd: number, keySize: number, valueSize: number) {
    this.#keySize = keySize;
    // Values begin on 8 bytes, as atomic copies want them. GET_NEXT_KEY answers where the value is.
    const valueAt = ATTR_SIZE + ((keySize + 7) & ~7);
    const room = Math.max(valueSize, keySize, 8);
    this.#buffer = new NativeBuffer(valueAt + room);
    const { bytes, view, address } = this.#buffer;
    this.#key = bytes.subarray(ATTR_SIZE, ATTR_SIZE + keySize);
    this.#value = bytes.subarray(valueAt, valueAt + room);
    view.setUint32(0, fd, true);
    setU64(view, 16, address + valueAt);
    this.withKey();
  }

  /** Where the next call takes its value from. */
  get value(): Uint8Array {
    return this.#value;
  }

  /** The next calls have this key, which has the map's key size. */
  setKey(key: Uint8Array): void {
    copy(key, this.#key, this.#keySize);
  }

  setValue(value: Uint8Array): void {
    copy(value, this.#value, value.length);
  }

  /** The next call has no key (the first key is asked for). */
  withoutKey(): void {
    setU64(this.#buffer.view, KEY_ADDRESS, 0);
  }

  withKey(): void {
    if (this.#keySize > 0) setU64(this.#buffer.view, KEY_ADDRESS, this.#buffer.address + ATTR_SIZE);
  }

  /** A copy of the first `size` bytes of what the last call answered. */
  takeValue(size: number): Uint8Array {
    if (size > SMALL) return this.#value.slice(0, size);
    const bytes = new Uint8Array(size);
    copy(this.#value, bytes, size);
    return bytes;
  }

  /** Puts what the last call answered into `target`. */
  copyValue(target: Uint8Array): void {
    copy(this.#value, target, target.length);
  }

  /** @returns 0 or the negative errno. */
  call(command: number, flags: number): number {
    if (flags !== this.#flags) {
      this.#buffer.view.setUint32(FLAGS, flags, true);
      this.#flags = flags;
    }
    const size = command === elementCommands.delete ? DELETE_ATTR_SIZE : ATTR_SIZE;
    const result = this.#bpf(command, this.#buffer.address, size);
    const answer = result < 0 ? -lastErrno() : result;
    keepAlive(this);
    return answer;
  }
}

function copy(from: Uint8Array, to: Uint8Array, size: number): void {
  if (size > SMALL) {
    to.set(from.length === size ? from : from.subarray(0, size));
    return;
  }
  for (let i = 0; i < size; i++) to[i] = from[i]!;
}
