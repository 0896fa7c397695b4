import type { Btf } from "./btf.js";
import type { TypeId } from "./types.js";

/** Something made once for each type of a graph, and kept as long as the graph lives. */
export class PerType<T> {
  readonly #known = new WeakMap<Btf, Map<TypeId, T>>();
  readonly #make: (btf: Btf, id: TypeId) => T;

  constructor(make: (btf: Btf, id: TypeId) => T) {
    this.#make = make;
  }

  get(btf: Btf, id: TypeId): T {
    let known = this.#known.get(btf);
    if (known === undefined) {
      known = new Map();
      this.#known.set(btf, known);
    }
    let value = known.get(id);
    if (value === undefined) {
      value = this.#make(btf, id);
      known.set(id, value);
    }
    return value;
  }
}
