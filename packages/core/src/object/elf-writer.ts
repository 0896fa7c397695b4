import { ByteWriter } from "../base/index.js";
import { EM_BPF, ET_REL, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_SYMTAB } from "./elf.js";
import { SHN_UNDEF } from "./symbols.js";

const SHT_STRTAB = 3;
const HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELOCATION_SIZE = 16;

/** A place in a section to be filled in with what a symbol means. */
export interface RelocationDraft {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** R_BPF_* */
  readonly type: number;
  readonly symbol: SymbolDraft;
}

/** A section to write. */
export interface SectionDraft {
  readonly name: string;
  /** SHF_* */
  readonly flags: number;
  readonly data: Uint8Array;
  /** Zeros that take no room in the file (NOBITS): only the length of `data` counts. */
  readonly zeros?: boolean | undefined;
  /** Bytes that its start is a multiple of, 8 unless told. */
  readonly alignment?: number | undefined;
  readonly relocations: readonly RelocationDraft[];
}

/** A symbol to write. */
export interface SymbolDraft {
  readonly name: string;
  readonly kind: "notype" | "object" | "func" | "section";
  readonly binding: "local" | "global" | "weak";
  readonly hidden?: boolean | undefined;
  /** Where it is defined; undefined for one that others define. */
  readonly section: SectionDraft | undefined;
  /** Bytes from the start of the section. */
  readonly value: number;
  /** Bytes. */
  readonly size: number;
}

const KIND = { notype: 0, object: 1, func: 2, section: 3 } as const;
const BINDING = { local: 0, global: 1, weak: 2 } as const;
const STV_HIDDEN = 2;

/**
 * A relocatable little-endian ELF file for BPF. Sections keep their order, behind them come their relocations, the
 * symbols (local ones first, as ELF demands) and the names.
 *
 * @see elf(5)
 */
export function writeElf(sections: readonly SectionDraft[], symbols: readonly SymbolDraft[]): Uint8Array<ArrayBuffer> {
  const names = new NameTable();
  const ordered = [...symbols].sort((a, b) => Number(a.binding !== "local") - Number(b.binding !== "local"));
  const symbolIndex = new Map(ordered.map((symbol, index) => [symbol, index + 1]));
  const sectionIndex = new Map(sections.map((section, index) => [section, index + 1]));
  const related = sections.filter((section) => section.relocations.length > 0);
  const symbolTable = sections.length + related.length + 1;
  const out = new Sections(names);
  for (const { name, flags, data, zeros, alignment } of sections) {
    out.add({ name, flags, data, alignment, type: zeros ? SHT_NOBITS : SHT_PROGBITS });
  }
  for (const section of related) {
    const data = new ByteWriter({ capacity: RELOCATION_SIZE * section.relocations.length });
    const places = [...section.relocations].sort((a, b) => a.offset - b.offset);
    for (const { offset, type, symbol } of places) data.u64(BigInt(offset)).u32(type).u32(symbolIndex.get(symbol)!);
    const info = sectionIndex.get(section)!;
    const name = `.rel${section.name}`;
    out.add({ name, data: data.finish(), type: SHT_REL, link: symbolTable, info, entrySize: RELOCATION_SIZE });
  }
  out.add({
    name: ".symtab",
    data: encodeSymbols(ordered, sectionIndex, names),
    type: SHT_SYMTAB,
    link: symbolTable + 1,
    info: 1 + ordered.filter((symbol) => symbol.binding === "local").length,
    entrySize: SYMBOL_SIZE,
  });
  return out.finish();
}

function encodeSymbols(
  symbols: readonly SymbolDraft[],
  sectionIndex: ReadonlyMap<SectionDraft, number>,
  names: NameTable,
): Uint8Array {
  const out = new ByteWriter({ capacity: SYMBOL_SIZE * (symbols.length + 1) }).raw(new Uint8Array(SYMBOL_SIZE));
  for (const { name, kind, binding, hidden, section, value, size } of symbols) {
    const index = section === undefined ? SHN_UNDEF : sectionIndex.get(section)!;
    out.u32(names.add(kind === "section" ? "" : name)).u8((BINDING[binding] << 4) | KIND[kind]);
    out.u8(hidden ? STV_HIDDEN : 0).u16(index);
    out.u64(BigInt(value)).u64(BigInt(size));
  }
  return out.finish();
}

/** A string table being written, each name once. */
class NameTable {
  readonly #writer = new ByteWriter({ capacity: 1024 }).u8(0);
  readonly #offsets = new Map<string, number>([["", 0]]);

  add(name: string): number {
    let offset = this.#offsets.get(name);
    if (offset === undefined) {
      offset = this.#writer.length;
      this.#writer.cstring(name);
      this.#offsets.set(name, offset);
    }
    return offset;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

interface RawSectionDraft {
  readonly name: string;
  readonly type: number;
  readonly data: Uint8Array;
  readonly flags?: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
  readonly alignment?: number | undefined;
}

/** Section contents and headers, and at the end the file around them. */
class Sections {
  readonly #names: NameTable;
  readonly #body = new ByteWriter({ capacity: 4096 });
  readonly #headers = new ByteWriter({ capacity: 1024 }).raw(new Uint8Array(HEADER_SIZE));

  constructor(names: NameTable) {
    this.#names = names;
  }

  add({ name, type, data, flags = 0, link = 0, info = 0, entrySize = 0, alignment = 8 }: RawSectionDraft): void {
    this.#body.align(8);
    this.#headers.u32(this.#names.add(name)).u32(type).u64(BigInt(flags)).u64(0n);
    this.#headers.u64(BigInt(HEADER_SIZE + this.#body.length)).u64(BigInt(data.length));
    this.#headers.u32(link).u32(info).u64(BigInt(alignment)).u64(BigInt(entrySize));
    if (type !== SHT_NOBITS) this.#body.raw(data);
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#names.add(".strtab");
    this.add({ name: ".strtab", type: SHT_STRTAB, data: this.#names.finish() });
    this.#body.align(8);
    const count = this.#headers.length / HEADER_SIZE;
    return new ByteWriter({ capacity: HEADER_SIZE + this.#body.length + this.#headers.length })
      .raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))
      .u16(ET_REL)
      .u16(EM_BPF)
      .u32(1)
      .u64(0n)
      .u64(0n)
      .u64(BigInt(HEADER_SIZE + this.#body.length))
      .u32(0)
      .u16(HEADER_SIZE)
      .u16(0)
      .u16(0)
      .u16(HEADER_SIZE)
      .u16(count)
      .u16(count - 1)
      .raw(this.#body.finish())
      .raw(this.#headers.finish())
      .finish();
  }
}
