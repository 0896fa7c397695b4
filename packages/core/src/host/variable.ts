import { BpfError } from "../base/index.js";
import type { VariableSpec } from "../spec/index.js";
import type { RawMap } from "./raw-map.js";
import type { ValueCodec } from "./value-codec.js";

const firstKey = new Uint8Array(4);

/**
 * A live global variable: a window into the only value of a global-data map. Reading and writing goes through
 * {@link RawMap}; a write rewrites the whole section's value, so concurrent writes of a running program to its
 * neighbours can be lost, as with bpf(2).
 */
export class Variable<T = unknown> {
  readonly spec: VariableSpec;
  readonly #map: RawMap;
  readonly #codec: ValueCodec<T>;

  constructor(spec: VariableSpec, map: RawMap, codec: ValueCodec<T>) {
    this.spec = spec;
    this.#map = map;
    this.#codec = codec;
  }

  get name(): string {
    return this.spec.name;
  }

  get(): T {
    return this.#codec.decode(this.getBytes());
  }

  /** @throws SyscallError EPERM for a constant: `.rodata` is frozen when programs load. */
  set(value: T): void {
    this.setBytes(this.#codec.encode(value));
  }

  /** A copy of its bytes. */
  getBytes(): Uint8Array {
    return this.#section().slice(this.spec.offset, this.spec.offset + this.spec.size);
  }

  setBytes(bytes: Uint8Array): void {
    if (bytes.length !== this.spec.size) {
      throw new BpfError("VARIABLE_SIZE", `variable '${this.name}' has ${this.spec.size} bytes, not ${bytes.length}`);
    }
    if (this.#map.patch?.(firstKey, this.spec.offset, bytes)) return;
    const section = this.#section();
    section.set(bytes, this.spec.offset);
    this.#map.update(firstKey, section);
  }

  #section(): Uint8Array {
    const value = this.#map.lookup(firstKey);
    if (value === undefined) throw new BpfError("NO_SUCH_MAP", `the map of variable '${this.name}' has no value`);
    return value;
  }
}
