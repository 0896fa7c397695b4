import { BPF_EXIST, BPF_F_LOCK, EINVAL, ENOENT } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { mapHeader, roundUp8 } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

/**
 * Cgroup storage, plain or per CPU: a value for each cgroup that a program with the map is attached to. Keys are a
 * cgroup's id (u64), with an attach type (u32) where they have 16 bytes. Entries come and go with attachments.
 *
 * @see https://docs.kernel.org/bpf/map_cgroup_storage.html
 */
export class CgroupStorageMap extends LiveMap {
  readonly #values = new Map<string, { readonly key: Uint8Array; readonly address: number }>();
  readonly #copies: number;
  readonly #stride: number;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.#copies = this.type === "percpu_cgroup_storage" ? core.cpus : 1;
    this.#stride = roundUp8(this.valueSize);
    this.set(mapHeader.CPU_STRIDE, this.#stride);
  }

  override get transferSize(): number {
    return this.#copies === 1 && this.type === "cgroup_storage" ? this.valueSize : this.#stride * this.#copies;
  }

  /** The value of an attachment: made, zeroed, where there is none. A program on CPU c finds its copy `c * stride` on. */
  attach(key: Uint8Array): number {
    const known = this.#find(key);
    if (known !== 0) return known;
    const address = this.allocate(this.#stride * this.#copies);
    this.expose(address, this.#copies, { stride: this.#stride, offset: 0, size: this.valueSize });
    this.#values.set(key.join(), { key: key.slice(), address });
    return address;
  }

  /** The last attachment with this key is gone. */
  detach(key: Uint8Array): void {
    const address = this.#find(key);
    if (address === 0) return;
    this.#values.delete(key.join());
    this.conceal(address);
    this.release(address);
  }

  /** bpf_get_local_storage() for an attachment's key: the running CPU's copy, 0 without an attachment. */
  storageOf(key: Uint8Array): number {
    const address = this.#find(key);
    return address === 0 || this.#copies === 1 ? address : address + this.core.cpu.value * this.#stride;
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.#find(key);
    if (address === 0) return -ENOENT;
    readBytes(this.memory, address, value, 0, this.transferSize);
    if (this.fields.length > 0) this.hideFields(value);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if ((flags & ~(BPF_F_LOCK | BPF_EXIST)) !== 0) return -EINVAL;
    const address = this.#find(key);
    if (address === 0) return -ENOENT;
    writeBytes(this.memory, address, value, 0, this.transferSize);
    return 0;
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    const keys = [...this.#values.values()].map((entry) => entry.key);
    const at = key === undefined ? -1 : keys.findIndex((known) => known.join() === key.join());
    // A key that isn't there has no next one, unlike in hashes.
    if (key !== undefined && at < 0) return -ENOENT;
    const found = keys[at + 1];
    if (found === undefined) return -ENOENT;
    next.set(found);
    return 0;
  }

  #find(key: Uint8Array): number {
    return this.#values.get(key.join())?.address ?? 0;
  }
}
