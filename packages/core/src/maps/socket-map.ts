import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC, ENOTSUPP } from "../abi/index.js";
import { readIndex, writeIndex } from "./array-map.js";
import { HandleArrayMap } from "./handle-array-map.js";
import { handleSlot } from "./layout.js";
import type { BatchResult } from "./live-map.js";
import { HandleHashMap } from "./map-in-map.js";
import type { Reference } from "./references.js";

// Sockets: written as file descriptors, of 4 or 8 bytes; read as cookies, for which a value has to have 8 bytes.

const LARGEST_FD = 0x7fff_ffff;

/** The file descriptor in a value, or undefined where it can't be one. */
function descriptorOf(value: Uint8Array, valueSize: number): number | undefined {
  const low = readIndex(value);
  if (low > LARGEST_FD || (valueSize === 8 && readIndex(value.subarray(4)) !== 0)) return undefined;
  return low;
}

function checkPresence(present: boolean, flags: number): number {
  if (present && flags === BPF_NOEXIST) return -EEXIST;
  return !present && flags === BPF_EXIST ? -ENOENT : 0;
}

/** Sockmap and reuseport socket array. @see https://docs.kernel.org/bpf/map_sockmap.html */
export class SocketArrayMap extends HandleArrayMap {
  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    if (this.valueSize !== 8) return -ENOSPC;
    const index = readIndex(key);
    if (this.handleOf(index) === 0) return -ENOENT;
    writeIndex(value, this.valueWord(index, 0));
    writeIndex(value.subarray(4), 0);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const index = readIndex(key);
    const fd = descriptorOf(value, this.valueSize);
    return this.type === "sockmap" ? this.#updateSockmap(index, fd, flags) : this.#updateReuseport(index, fd, flags);
  }

  protected deleteEntry(key: Uint8Array): number {
    const index = readIndex(key);
    if (index >= this.maxEntries) return this.type === "sockmap" ? -EINVAL : -E2BIG;
    if (this.handleOf(index) === 0) return this.type === "sockmap" ? -EINVAL : -ENOENT;
    this.refer(index, undefined, 0, 0);
    return 0;
  }

  #updateSockmap(index: number, fd: number | undefined, flags: number): number {
    if (fd === undefined) return -EINVAL;
    const socket = this.references.acquire(this, index, { target: fd, program: undefined });
    if (typeof socket === "number") return socket;
    let error = 0;
    if (flags > BPF_EXIST) error = -EINVAL;
    else if (index >= this.maxEntries) error = -E2BIG;
    else error = checkPresence(this.handleOf(index) !== 0, flags);
    if (error !== 0) this.references.release(this, socket.handle);
    else this.refer(index, socket, socket.id, 0);
    return error;
  }

  #updateReuseport(index: number, fd: number | undefined, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    if (index >= this.maxEntries) return -E2BIG;
    if (fd === undefined) return -EINVAL;
    const error = checkPresence(this.handleOf(index) !== 0, flags);
    if (error !== 0) return error;
    const socket = this.references.acquire(this, index, { target: fd, program: undefined });
    if (typeof socket === "number") return socket;
    this.refer(index, socket, socket.id, 0);
    return 0;
  }
}

/** Sockets by keys of any size. */
export class SocketHashMap extends HandleHashMap {
  protected override get canBatch() {
    return { update: false, delete: false };
  }

  protected override lookupEntry(key: Uint8Array, value: Uint8Array): number {
    if (this.valueSize !== 8) return -ENOSPC;
    const address = this.find(key);
    if (address === 0) return -ENOENT;
    writeIndex(value, this.memory.u32[(address + handleSlot.VALUE) >>> 2]!);
    writeIndex(value.subarray(4), 0);
    return 0;
  }

  protected override updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const fd = descriptorOf(value, this.valueSize);
    if (fd === undefined) return -EINVAL;
    const socket = this.references.acquire(this, 0, { target: fd, program: undefined });
    return typeof socket === "number" ? socket : this.#put(key, flags, socket);
  }

  protected override readBatch(...batch: Parameters<HandleHashMap["readBatch"]>): BatchResult {
    return { error: -ENOTSUPP, count: batch[4] };
  }

  #put(key: Uint8Array, flags: number, socket: Reference): number {
    const stored = new Uint8Array(8);
    writeIndex(stored, socket.id);
    return this.insert(key, stored.subarray(0, this.valueSize), flags, socket);
  }
}
