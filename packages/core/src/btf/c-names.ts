import type { Btf } from "./btf.js";
import type { TypeId } from "./types.js";

/**
 * Names as C takes them. C has one name space for tags and one for typedefs and enumerators, BTF has neither: a second
 * type or enumerator of one name gets `___2`, which CO-RE reads as a flavor of the same type.
 */
export class CNames {
  readonly #btf: Btf;
  readonly #names = new Map<TypeId, string>();
  readonly #tags = new Map<string, number>();
  readonly #identifiers = new Map<string, number>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Tag of a struct, union or enum; empty for an anonymous one. */
  tag(id: TypeId): string {
    return this.#of(id, this.#tags);
  }

  /** Name of a typedef. */
  typedef(id: TypeId): string {
    return this.#of(id, this.#identifiers);
  }

  /** Name of an enumerator; asking again gives another. */
  enumerator(name: string): string {
    return unique(identifier(name), this.#identifiers);
  }

  #of(id: TypeId, used: Map<string, number>): string {
    let name = this.#names.get(id);
    if (name === undefined) {
      const own = this.#btf.name(id);
      name = own === "" ? "" : unique(identifier(own), used);
      this.#names.set(id, name);
    }
    return name;
  }
}

function unique(name: string, used: Map<string, number>): string {
  const count = (used.get(name) ?? 0) + 1;
  used.set(name, count);
  return count === 1 ? name : `${name}___${count}`;
}

/** Letters, digits and underscores; names of other languages' compilers (`Option<u32>`) have more. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(plain) ? `_${plain}` : plain;
}
