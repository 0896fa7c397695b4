import { EINVAL, ENOTSUPP } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";

/** An implementation of a kernel interface: its only value is the struct, as the object has it. */
export class StructOpsMap extends LiveMap {
  readonly #value: Uint8Array;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.#value = new Uint8Array(this.valueSize);
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    if (key.some((byte) => byte !== 0)) return -EINVAL;
    value.set(this.#value);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags !== 0 || key.some((byte) => byte !== 0)) return -EINVAL;
    this.#value.set(value.subarray(0, this.valueSize));
    return 0;
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(): number {
    return -ENOTSUPP;
  }
}
