import type { Btf } from "../btf/index.js";

/** Types that programs and maps of a Machine were loaded with: it lives while one of them does. */
export class BtfObject {
  /** From 1. */
  readonly id: number;
  readonly btf: Btf;
  readonly #released: () => void;
  #references = 0;

  constructor(id: number, btf: Btf, released: () => void) {
    this.id = id;
    this.btf = btf;
    this.#released = released;
  }

  reference(): void {
    this.#references++;
  }

  unreference(): void {
    if (--this.#references === 0) this.#released();
  }
}

/** The BTF objects of a Machine. Loads with the same types share one. */
export class BtfObjects {
  readonly #objects = new Map<Btf, BtfObject>();
  #lastId = 0;

  /** Ids of all of them, ascending. */
  get ids(): number[] {
    return [...this.#objects.values()].map(({ id }) => id);
  }

  /** Those of a load, for whoever is going to hold them. */
  of(btf: Btf): BtfObject {
    let object = this.#objects.get(btf);
    if (object === undefined) {
      object = new BtfObject(++this.#lastId, btf, () => this.#objects.delete(btf));
      this.#objects.set(btf, object);
    }
    return object;
  }

  byId(id: number): BtfObject | undefined {
    for (const object of this.#objects.values()) if (object.id === id) return object;
    return undefined;
  }
}
