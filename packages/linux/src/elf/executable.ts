import { readFileSync } from "node:fs";
import { ByteReader, FormatError } from "@tsbpf/core/base";

const SHT_SYMTAB = 2;
const SHT_NOTE = 7;
const SHT_DYNSYM = 11;
const PT_LOAD = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const MAX_SYMBOLS = 4_000_000;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

interface Segment {
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** A function in an executable or shared object. */
export interface FunctionSymbol {
  readonly name: string;
  /** Virtual address as in the file. */
  readonly address: number;
  /** Bytes from the start of the file: where a uprobe goes. */
  readonly fileOffset: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * The parts of a 64-bit ELF executable or library that probes need: functions, file offsets, notes.
 *
 * @throws FormatError for anything else.
 */
export class Executable {
  readonly #reader: ByteReader;
  readonly #sections: readonly Section[];
  readonly #segments: readonly Segment[];
  #functions: ReadonlyMap<string, FunctionSymbol> | undefined;

  constructor(bytes: Uint8Array) {
    const little = bytes[5] === 1;
    this.#reader = new ByteReader(bytes, { littleEndian: little });
    const magic = bytes.length > 64 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
    if (!magic) throw new FormatError("not an ELF file", { offset: 0 });
    if (bytes[4] !== 2) throw new FormatError("not a 64-bit ELF file", { offset: 4 });
    this.#segments = this.#readSegments();
    this.#sections = this.#readSections();
  }

  static read(path: string): Executable {
    return new Executable(readFileSync(path));
  }

  /** A function by name: the symbol table's, or else the dynamic one's. A version (`memcpy@@GLIBC_2.14`) is not needed. */
  function(name: string): FunctionSymbol | undefined {
    return this.functions().get(name);
  }

  functions(): ReadonlyMap<string, FunctionSymbol> {
    if (this.#functions === undefined) {
      const found = new Map<string, FunctionSymbol>();
      for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
        for (const section of this.#sections) if (section.type === type) this.#readSymbols(section, found);
      }
      this.#functions = found;
    }
    return this.#functions;
  }

  /** Where an address lies in the file, or undefined for what is not loaded from it. */
  fileOffset(address: number): number | undefined {
    const segment = this.#segments.find((one) => address >= one.address && address < one.address + one.size);
    return segment === undefined ? undefined : address - segment.address + segment.offset;
  }

  /** Address of a section, or undefined. */
  sectionAddress(name: string): number | undefined {
    return this.#sections.find((section) => section.name === name)?.address;
  }

  /** Descriptors of the notes of one owner and type. */
  *notes(owner: string, type: number): IterableIterator<Uint8Array> {
    for (const section of this.#sections) {
      if (section.type !== SHT_NOTE) continue;
      const reader = this.#reader.seek(section.offset);
      for (const end = section.offset + section.size; reader.position + 12 <= end; ) {
        const nameSize = reader.u32();
        const size = reader.u32();
        const found = reader.u32();
        const name = new TextDecoder().decode(reader.take(nameSize).subarray(0, Math.max(0, nameSize - 1)));
        reader.seek(align4(reader.position));
        const descriptor = reader.take(size);
        const next = align4(reader.position);
        if (name === owner && found === type) yield descriptor;
        reader.seek(Math.min(next, reader.length));
      }
    }
  }

  #readSegments(): Segment[] {
    const reader = this.#reader.seek(32);
    const offset = reader.size64("program header offset");
    reader.seek(54);
    const entrySize = reader.u16();
    const count = reader.u16();
    const segments: Segment[] = [];
    for (let i = 0; i < count; i++) {
      reader.seek(offset + i * entrySize);
      const type = reader.u32();
      reader.skip(4);
      const fileOffset = reader.size64("segment offset");
      const address = reader.size64("segment address");
      reader.skip(8);
      const size = reader.size64("segment size");
      if (type === PT_LOAD) segments.push({ offset: fileOffset, address, size });
    }
    return segments;
  }

  #readSections(): Section[] {
    const reader = this.#reader.seek(40);
    const offset = reader.size64("section header offset");
    reader.seek(58);
    const entrySize = reader.u16();
    const count = reader.u16();
    const nameSection = reader.u16();
    const raw = Array.from({ length: offset === 0 ? 0 : count }, (_, i) => {
      reader.seek(offset + i * entrySize);
      const name = reader.u32();
      const type = reader.u32();
      reader.skip(8);
      const address = reader.size64("section address");
      const fileOffset = reader.size64("section offset");
      const size = reader.size64("section size");
      return { nameOffset: name, type, address, offset: fileOffset, size, link: reader.u32() };
    });
    const names = raw[nameSection];
    return raw.map((section) => ({
      ...section,
      name: names === undefined ? "" : this.#string(names.offset, section.nameOffset),
    }));
  }

  #readSymbols(section: Section, into: Map<string, FunctionSymbol>): void {
    const names = this.#sections[section.link];
    if (names === undefined) return;
    const count = Math.min(Math.floor(section.size / 24), MAX_SYMBOLS);
    for (let i = 0; i < count; i++) {
      const reader = this.#reader.seek(section.offset + i * 24);
      const nameOffset = reader.u32();
      const type = reader.u8() & 0xf;
      reader.skip(1);
      const definedIn = reader.u16();
      if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || definedIn === 0) continue;
      const address = reader.size64("symbol value");
      const size = reader.size64("symbol size");
      const fileOffset = this.fileOffset(address);
      const name = this.#string(names.offset, nameOffset).split("@", 1)[0]!;
      if (fileOffset !== undefined && !into.has(name)) into.set(name, { name, address, fileOffset, size });
    }
  }

  #string(table: number, offset: number): string {
    return this.#reader.seek(table + offset).cstring();
  }
}

function align4(offset: number): number {
  return (offset + 3) & ~3;
}
