import { FormatError } from "../base/index.js";
import { NameIndex } from "./name-index.js";
import { NO_SIZE, type Records } from "./records.js";
import { essentialName } from "./strings.js";
import { type BtfKind, type BtfType, btfKinds, type TypeId } from "./types.js";

/**
 * A type graph: BTF as a value. Type 0 is void. Made by `parseBtf` or by a `BtfBuilder`; it does not change. Values of
 * types are made when they are asked for and kept, so that a kernel's BTF opens in no time.
 *
 * Every Btf is sound: each id and name in it exists, each chain of typedefs, qualifiers, pointers and arrays ends, and no
 * type contains itself, so walks over it need no guard. Whether the kernel would take it is for `checkBtf` to say.
 */
export class Btf {
  /** Number of types, void and the base's included; ids run from 0 to `length - 1`. */
  readonly length: number;
  /** The first id that isn't the base's: 1 without a base. */
  readonly firstId: TypeId;
  /** What a split BTF, such as a kernel module's, builds upon. */
  readonly base: Btf | undefined;
  /** @internal */
  readonly records: Records;
  readonly #values: (BtfType | undefined)[];
  #names: NameIndex | undefined;

  /** @internal Use `parseBtf` or a `BtfBuilder`. */
  constructor(records: Records, base: Btf | undefined) {
    this.records = records;
    this.base = base;
    this.length = records.length;
    this.firstId = records.firstId;
    this.#values = new Array(records.length - records.firstId);
  }

  /** The section as it was read, header included; of a split BTF without its base. */
  get bytes(): Uint8Array {
    return this.records.bytes;
  }

  get littleEndian(): boolean {
    return this.records.littleEndian;
  }

  /** @throws FormatError for an id that is out of range. */
  type(id: TypeId): BtfType {
    if (id < this.firstId) {
      if (id === 0) return VOID;
      if (this.base !== undefined && id > 0) return this.base.type(id);
    }
    const index = this.#index(id);
    let value = this.#values[index];
    if (value === undefined) {
      value = this.records.read(id);
      this.#values[index] = value;
    }
    return value;
  }

  /**
   * The kind alone, without making the value.
   *
   * @throws FormatError for an id that is out of range.
   */
  kind(id: TypeId): BtfKind {
    if (id !== 0) this.#check(id);
    return btfKinds[this.records.kind(id)]!;
  }

  /**
   * The name alone, without making the value; empty for types without one.
   *
   * @throws FormatError for an id that is out of range.
   */
  name(id: TypeId): string {
    if (id !== 0) this.#check(id);
    return this.records.strings.get(this.records.nameOffset(id));
  }

  /**
   * Bytes that a value of the type takes; a pointer takes 8. Undefined where there are no values: void, fwd, func,
   * func_proto, and arrays and typedefs of those.
   *
   * @throws FormatError for an id that is out of range.
   */
  size(id: TypeId): number | undefined {
    if (id !== 0) this.#check(id);
    const size = this.records.size(id);
    return size === NO_SIZE ? undefined : size;
  }

  /**
   * Alignment in bytes that C gives the type on 64-bit machines; 1 for types that have none. A packed struct, which the
   * format doesn't mark, has its members' alignment here.
   *
   * @throws FormatError for an id that is out of range.
   */
  alignment(id: TypeId): number {
    if (id !== 0) this.#check(id);
    return this.records.alignment(id);
  }

  /** Ids of the types with this name, in order, the base's first; of one kind where `kind` is given. */
  find(name: string, kind?: BtfKind): readonly TypeId[] {
    return this.#search(name, kind, (found) => found === name);
  }

  /** As {@link find}, for all names that differ in nothing but their flavor: `foo`, `foo___old`. */
  findFlavors(name: string, kind?: BtfKind): readonly TypeId[] {
    const essential = essentialName(name);
    return this.#search(name, kind, (found) => essentialName(found) === essential);
  }

  #search(name: string, kind: BtfKind | undefined, matches: (found: string) => boolean): TypeId[] {
    const ids = this.base === undefined ? [] : this.base.#search(name, kind, matches);
    if (name === "") return ids;
    this.#names ??= new NameIndex(this.records);
    this.#names.candidates(name, (id, found) => {
      if (matches(found) && (kind === undefined || this.kind(id) === kind)) ids.push(id);
    });
    return ids;
  }

  #index(id: TypeId): number {
    this.#check(id);
    return id - this.firstId;
  }

  #check(id: TypeId): void {
    if (id > 0 && id < this.length && Number.isInteger(id)) return;
    throw new FormatError(`type ${id} does not exist, the last is ${this.length - 1}`, {
      section: this.records.section,
    });
  }
}

const VOID: BtfType = Object.freeze({ kind: "void" });
