import type { BtfType, TypeId } from "./types.js";

/**
 * A type graph: BTF as a value. Type 0 is void. Reading (`parseBtf`), writing (`encodeBtf`), printing and value codecs
 * are functions beside it.
 */
export interface Btf {
  /** Number of types, void included; ids run from 0 to `length - 1`. */
  readonly length: number;
  /** @throws FormatError for an id that is out of range. */
  type(id: TypeId): BtfType;
  /** Ids of the types with this name, in order; of one kind where `kind` is given. */
  find(name: string, kind?: BtfType["kind"]): readonly TypeId[];
}
