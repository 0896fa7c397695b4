import { BpfError } from "../base/index.js";
import type { TypeId } from "../btf/index.js";
import type { MapSpec, VariableSpec } from "../spec/index.js";
import { u32Key } from "./btf-maps.js";

/** A variable as a window into its map's initial contents. */
export class GlobalVariable implements VariableSpec {
  readonly name: string;
  readonly map: string;
  readonly offset: number;
  readonly size: number;
  readonly typeId: TypeId;
  readonly constant: boolean;
  readonly #maps: ReadonlyMap<string, MapSpec>;
  readonly #sectionSize: number;
  readonly #littleEndian: boolean;

  constructor(
    variable: Pick<VariableSpec, "name" | "map" | "offset" | "size" | "typeId" | "constant">,
    sectionSize: number,
    maps: ReadonlyMap<string, MapSpec>,
    littleEndian: boolean,
  ) {
    this.name = variable.name;
    this.map = variable.map;
    this.offset = variable.offset;
    this.size = variable.size;
    this.typeId = variable.typeId;
    this.constant = variable.constant;
    this.#sectionSize = sectionSize;
    this.#maps = maps;
    this.#littleEndian = littleEndian;
  }

  get(): Uint8Array {
    const bytes = this.#initial(this.#map);
    return bytes === undefined ? new Uint8Array(this.size) : bytes.slice(this.offset, this.offset + this.size);
  }

  set(value: Uint8Array | number | bigint | boolean): void {
    const bytes = value instanceof Uint8Array ? value : this.#encode(value);
    if (bytes.length !== this.size) {
      throw new BpfError("VARIABLE_SIZE", `${this.name} has ${this.size} bytes, not ${bytes.length}`, {
        variable: this.name,
        size: this.size,
        given: bytes.length,
      });
    }
    const map = this.#map;
    let initial = this.#initial(map);
    if (initial === undefined) {
      initial = new Uint8Array(this.#sectionSize);
      map.contents = [{ key: u32Key(0), value: initial }];
    }
    initial.set(bytes, this.offset);
  }

  get #map(): MapSpec {
    return this.#maps.get(this.map) ?? this.#gone();
  }

  /** The map's initial bytes; undefined where it has none, which means zeros. */
  #initial(map: MapSpec): Uint8Array | undefined {
    const value = map.contents[0]?.value;
    if (value === undefined) return undefined;
    if (!(value instanceof Uint8Array) || value.length < this.offset + this.size) this.#gone();
    return value;
  }

  #gone(): never {
    throw new BpfError("VARIABLE_SIZE", `map ${this.map} doesn't hold the variable ${this.name} any more`, {
      variable: this.name,
      map: this.map,
    });
  }

  #encode(value: number | bigint | boolean): Uint8Array {
    const { size } = this;
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) {
      throw new BpfError("VARIABLE_SIZE", `${this.name} has ${size} bytes, which no number has`, {
        variable: this.name,
      });
    }
    const bits = size * 8;
    if (typeof value === "number" && !Number.isInteger(value)) this.#outOfRange(value);
    const number = BigInt(value);
    if (BigInt.asIntN(bits, number) !== number && BigInt.asUintN(bits, number) !== number) this.#outOfRange(value);
    const wide = new DataView(new ArrayBuffer(8));
    wide.setBigUint64(0, BigInt.asUintN(64, number), this.#littleEndian);
    const bytes = new Uint8Array(wide.buffer);
    return this.#littleEndian ? bytes.slice(0, size) : bytes.slice(8 - size);
  }

  #outOfRange(value: number | bigint | boolean): never {
    throw new BpfError("VARIABLE_RANGE", `${value} doesn't fit into the ${this.size} bytes of ${this.name}`, {
      variable: this.name,
      value,
    });
  }
}
