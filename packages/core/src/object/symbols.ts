import { FormatError } from "../base/index.js";
import { type ElfFile, type ElfSection, SHT_SYMTAB } from "./elf.js";
import { StringTable } from "./string-table.js";

export const SHN_UNDEF = 0;
const SHN_XINDEX = 0xffff;
const ENTRY_SIZE = 24;

const bindings = ["local", "global", "weak"] as const;
const kinds = ["notype", "object", "func", "section", "file"] as const;

/** A symbol of an ELF object. */
export interface ElfSymbol {
  /** Position in the symbol table. */
  readonly index: number;
  readonly name: string;
  /** Bytes from the start of `section`. */
  readonly value: number;
  /** Bytes; 0 where the compiler didn't say. */
  readonly size: number;
  /** Section index; 0 for one that is defined elsewhere, 0xfff1 for an absolute one. */
  readonly section: number;
  readonly binding: (typeof bindings)[number];
  readonly kind: (typeof kinds)[number] | "other";
  /** Not visible outside of its object (STV_HIDDEN, STV_INTERNAL). */
  readonly hidden: boolean;
}

/** The symbol table, read on demand: a table may hold millions. */
export class SymbolTable {
  readonly length: number;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #names: StringTable;
  readonly #read = new Map<number, ElfSymbol>();

  constructor(section: ElfSection, names: ElfSection | undefined, littleEndian: boolean) {
    if (section.size % ENTRY_SIZE !== 0) {
      throw new FormatError(`the symbol table's ${section.size} bytes are no multiple of ${ENTRY_SIZE}`, {
        section: section.name,
      });
    }
    this.length = section.size / ENTRY_SIZE;
    this.#view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
    this.#littleEndian = littleEndian;
    this.#names = new StringTable(names?.data ?? new Uint8Array(0), names?.name ?? ".strtab");
  }

  /** @throws FormatError for an index that the table doesn't have, or a malformed entry. */
  at(index: number): ElfSymbol {
    const known = this.#read.get(index);
    if (known !== undefined) return known;
    if (!(index < this.length)) {
      throw new FormatError(`symbol ${index} is none of ${this.length}`, { section: ".symtab" });
    }
    const at = index * ENTRY_SIZE;
    const info = this.#view.getUint8(at + 4);
    const symbol: ElfSymbol = {
      index,
      name: this.#names.at(this.#view.getUint32(at, this.#littleEndian)),
      value: this.#size64(at + 8),
      size: this.#size64(at + 16),
      section: this.#view.getUint16(at + 6, this.#littleEndian),
      binding: bindings[info >> 4] ?? "local",
      kind: kinds[info & 0xf] ?? "other",
      hidden: (this.#view.getUint8(at + 5) & 3) === 2 || (this.#view.getUint8(at + 5) & 3) === 1,
    };
    if (symbol.section === SHN_XINDEX) {
      throw new FormatError("extended section numbers are not read", { section: ".symtab", offset: at + 6 });
    }
    this.#read.set(index, symbol);
    return symbol;
  }

  *[Symbol.iterator](): Generator<ElfSymbol> {
    for (let index = 1; index < this.length; index++) yield this.at(index);
  }

  #size64(at: number): number {
    const low = this.#view.getUint32(at + (this.#littleEndian ? 0 : 4), this.#littleEndian);
    const high = this.#view.getUint32(at + (this.#littleEndian ? 4 : 0), this.#littleEndian);
    if (high > 0x1fffff) {
      throw new FormatError("a symbol's value or size is out of range", { section: ".symtab", offset: at });
    }
    return high * 2 ** 32 + low;
  }
}

/**
 * The object's symbols; an empty table where it has none.
 *
 * @throws FormatError when there are several tables.
 */
export function readSymbols(elf: ElfFile): SymbolTable {
  const tables = elf.sections.filter((section) => section.type === SHT_SYMTAB);
  if (tables.length > 1) throw new FormatError("more than one symbol table", { section: tables[1]!.name });
  const table = tables[0];
  if (table === undefined) {
    const empty = { index: 0, name: ".symtab", size: 0, data: new Uint8Array(0) } as ElfSection;
    return new SymbolTable(empty, undefined, elf.littleEndian);
  }
  return new SymbolTable(table, elf.sections[table.link], elf.littleEndian);
}

/** Named symbols by the section that they are defined in; without those of sections and files. */
export function symbolsBySection(symbols: SymbolTable): Map<number, ElfSymbol[]> {
  const bySection = new Map<number, ElfSymbol[]>();
  for (const symbol of symbols) {
    const { section, name, kind } = symbol;
    if (section === SHN_UNDEF || name === "" || kind === "section" || kind === "file") continue;
    const known = bySection.get(section);
    if (known === undefined) bySection.set(section, [symbol]);
    else known.push(symbol);
  }
  return bySection;
}
