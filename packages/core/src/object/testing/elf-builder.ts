import { ByteWriter } from "../../base/index.js";

/** A section to write. */
export interface SectionDraft {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  /** For NOBITS, and to lie about the size. */
  readonly size?: number | bigint;
  /** To lie about the place. */
  readonly offset?: number | bigint;
  readonly link?: number;
  readonly info?: number;
}

/** A symbol to write. */
export interface SymbolDraft {
  readonly name: string;
  readonly value?: number;
  readonly size?: number;
  /** Section index: 1 is the first of the sections given. */
  readonly section: number;
  /** Binding in the upper nibble (1 global), type in the lower (0 notype, 1 object, 2 func, 3 section). */
  readonly info: number;
}

export const GLOBAL_FUNC = 0x12;
export const LOCAL_FUNC = 0x02;
export const GLOBAL_NOTYPE = 0x10;

/**
 * Writes little-endian ELF objects for BPF. Sections get indexes from 1 in the order given; `.strtab` (also for section
 * names) and `.symtab` come after them.
 */
export function buildElf(sections: readonly SectionDraft[], symbols: readonly SymbolDraft[] = []): Uint8Array {
  const strings = new ByteWriter().u8(0);
  const offsets = new Map<string, number>([["", 0]]);
  const nameOf = (name: string) => {
    let at = offsets.get(name);
    if (at === undefined) {
      at = strings.length;
      strings.cstring(name);
      offsets.set(name, at);
    }
    return at;
  };
  const symbolTable = new ByteWriter({ capacity: 24 * (symbols.length + 1) }).raw(new Uint8Array(24));
  for (const { name, value = 0, size = 0, section, info } of symbols) {
    symbolTable.u32(nameOf(name)).u8(info).u8(0).u16(section).u64(BigInt(value)).u64(BigInt(size));
  }
  for (const { name } of sections) nameOf(name);
  const [strtab, symtab] = [nameOf(".strtab"), nameOf(".symtab")];
  const nameSection = sections.length + 1;
  const all = [
    ...sections.map((section) => ({ ...section, nameOffset: nameOf(section.name) })),
    { nameOffset: strtab, type: 3, data: strings.finish() },
    { nameOffset: symtab, type: 2, data: symbolTable.finish(), link: nameSection },
  ] as (SectionDraft & { nameOffset: number })[];

  const body = new ByteWriter({ capacity: 1024 });
  const headers = new ByteWriter({ capacity: 64 * (all.length + 1) }).raw(new Uint8Array(64));
  for (const { nameOffset, type, flags = 0, data = new Uint8Array(0), size, offset, link = 0, info = 0 } of all) {
    body.align(8);
    const place = BigInt(offset ?? 64 + body.length);
    headers
      .u32(nameOffset)
      .u32(type)
      .u64(BigInt(flags))
      .u64(0n)
      .u64(place)
      .u64(BigInt(size ?? data.length));
    headers.u32(link).u32(info).u64(8n).u64(0n);
    body.raw(data);
  }
  body.align(8);
  return new ByteWriter({ capacity: 64 + body.length + headers.length })
    .raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    .u16(1)
    .u16(247)
    .u32(1)
    .u64(0n)
    .u64(0n)
    .u64(BigInt(64 + body.length))
    .u32(0)
    .u16(64)
    .u16(0)
    .u16(0)
    .u16(64)
    .u16(all.length + 1)
    .u16(nameSection)
    .raw(body.finish())
    .raw(headers.finish())
    .finish();
}

/** One entry of a REL section. */
export function relocation(offset: number, type: number, symbol: number): Uint8Array {
  return new ByteWriter().u64(BigInt(offset)).u32(type).u32(symbol).finish();
}
