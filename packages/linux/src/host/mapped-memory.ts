import { BpfError, NotSupportedError } from "@tsbpf/core/base";
import type { BpfMap, ValueCodec } from "@tsbpf/core/host";
import { LinuxMap } from "./linux-map.js";

/**
 * An array map's memory as typed values: reading and writing is no system call, and programs see it at once. Elements are
 * `stride` bytes apart.
 *
 * The memory stays mapped as long as a view of it is held, so that views may outlive the map.
 */
export class MappedArray<V = unknown> {
  readonly length: number;
  /** Bytes from one element to the next: the value's size, rounded up to 8. */
  readonly stride: number;
  readonly writable: boolean;
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #codec: ValueCodec<V>;

  /** @throws NotSupportedError for a map without BPF_F_MMAPABLE (since 5.5). */
  constructor(map: BpfMap<unknown, V>) {
    const { raw } = map;
    const memory = raw instanceof LinuxMap ? raw.memory() : undefined;
    if (memory === undefined) {
      throw new NotSupportedError(
        "mmap",
        `map '${map.name}' cannot be mapped: it is no array with BPF_F_MMAPABLE`,
        "5.5",
      );
    }
    this.length = map.info.maxEntries;
    this.#size = map.info.valueSize;
    this.stride = (this.#size + 7) & ~7;
    this.writable = memory.writable;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#codec = map.codecs.value;
  }

  /** The element's bytes: live where the map is {@link writable}, a copy where it is not. */
  bytes(index: number): Uint8Array {
    const at = this.#at(index);
    const bytes = this.#bytes.subarray(at, at + this.#size);
    // Writing memory that is mapped read-only ends the process.
    return this.writable ? bytes : bytes.slice();
  }

  get(index: number): V {
    return this.#codec.decode(this.bytes(index));
  }

  /** @throws BpfError `"READ_ONLY"` for a frozen map. */
  set(index: number, value: V): void {
    if (!this.writable) throw new BpfError("READ_ONLY", "the map is frozen or read-only");
    this.#bytes.set(this.#codec.encode(value), this.#at(index));
  }

  #at(index: number): number {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new BpfError("INDEX", `the array has elements 0 to ${this.length - 1}, not ${index}`, { index });
    }
    return index * this.stride;
  }
}

/**
 * The memory of an arena (since 6.9): what programs reach through `__arena` pointers, whose low 32 bits are offsets from
 * `address`'s.
 *
 * @throws BpfError `"MAP_TYPE"`
 */
export function arenaMemory(map: BpfMap): { readonly buffer: ArrayBuffer; readonly address: number } {
  const memory = map.type === "arena" && map.raw instanceof LinuxMap ? map.raw.memory() : undefined;
  if (memory === undefined)
    throw new BpfError("MAP_TYPE", `map '${map.name}' is no arena of the kernel`, { map: map.name });
  return memory;
}
