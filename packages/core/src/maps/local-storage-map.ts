import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOTSUPP } from "../abi/index.js";
import { readIndex } from "./array-map.js";
import type { MapAttributes } from "./attributes.js";
import { roundUp8 } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import type { MapReferences } from "./references.js";
import { readBytes, writeBytes } from "./transfer.js";

/**
 * Storage on sockets, inodes, tasks or cgroups: each owner has at most one value, which goes when the owner goes. Owners
 * are the machine's handles; user space names them by file descriptors.
 *
 * @see https://docs.kernel.org/bpf/map_sk_storage.html
 */
export class LocalStorageMap extends LiveMap {
  readonly #references: MapReferences;
  readonly #values = new Map<number, number>();

  constructor(core: MapCore, attributes: MapAttributes, references: MapReferences) {
    super(core, attributes);
    this.#references = references;
  }

  /**
   * Address of an owner's value, 0 where it has none. With `create` it gets one: zeroes, or a copy of the value at
   * `initial`.
   */
  storageOf(owner: number, create = false, initial = 0): number {
    const known = this.#values.get(owner);
    if (known !== undefined || !create) return known ?? 0;
    const address = this.allocate(roundUp8(this.valueSize));
    this.expose(address, 1, { stride: roundUp8(this.valueSize), offset: 0, size: this.valueSize });
    if (initial !== 0) this.core.functions.copy_value(this.address, address, initial);
    this.#values.set(owner, address);
    return address;
  }

  /** Deletes an owner's value, or what is left when the owner goes. 0, or -ENOENT. */
  drop(owner: number): number {
    const address = this.#values.get(owner);
    if (address === undefined) return -ENOENT;
    this.#values.delete(owner);
    this.conceal(address);
    this.release(address);
    return 0;
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    return this.#withOwner(key, (owner) => {
      const address = this.storageOf(owner);
      if (address === 0) return -ENOENT;
      readBytes(this.memory, address, value, 0, this.valueSize);
      if (this.fields.length > 0) this.hideFields(value);
      return 0;
    });
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const mode = flags & ~BPF_F_LOCK;
    if (mode > BPF_EXIST) return -EINVAL;
    return this.#withOwner(key, (owner) => {
      const present = this.storageOf(owner) !== 0;
      if (present && mode === BPF_NOEXIST) return -EEXIST;
      if (!present && mode === BPF_EXIST) return -ENOENT;
      const address = this.storageOf(owner, true);
      const scratch = this.core.scratch(this.valueSize);
      writeBytes(this.memory, scratch, value, 0, this.valueSize);
      return this.core.functions.copy_value(this.address, address, scratch);
    });
  }

  protected deleteEntry(key: Uint8Array): number {
    return this.#withOwner(key, (owner) => this.drop(owner));
  }

  protected nextEntry(): number {
    return -ENOTSUPP;
  }

  #withOwner(key: Uint8Array, work: (owner: number) => number): number {
    const owner = this.#references.acquire(this, 0, { target: readIndex(key), program: undefined });
    if (typeof owner === "number") return owner;
    const result = work(owner.handle);
    this.#references.release(this, owner.handle);
    return result;
  }
}
