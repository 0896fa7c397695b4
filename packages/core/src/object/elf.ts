import { ByteReader, FormatError, NotSupportedError } from "../base/index.js";
import { StringTable } from "./string-table.js";

/** Section types and flags that matter in a relocatable BPF object. @see elf(5) */
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

export const ET_REL = 1;
const EM_NONE = 0;
export const EM_BPF = 247;
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SHN_LORESERVE = 0xff00;

/** A section of an ELF file. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes; of a NOBITS section those that it will have in memory. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
  /** Bytes that the section's start is a multiple of; 0 and 1 are any place. */
  readonly alignment: number;
  /** A view of the file; empty for NOBITS. */
  readonly data: Uint8Array;
}

/** An ELF file for BPF: 64 bits, relocatable, of either byte order. Symbols and relocations are read from `sections`. */
export interface ElfFile {
  readonly littleEndian: boolean;
  readonly sections: readonly ElfSection[];
  /** By the index of the section that they relocate: sections of type SHT_REL or SHT_RELA. */
  readonly relocationSections: ReadonlyMap<number, readonly ElfSection[]>;
}

interface ElfHeader {
  readonly littleEndian: boolean;
  readonly sectionTable: number;
  readonly sectionCount: number;
  readonly nameSection: number;
}

interface RawSection extends Omit<ElfSection, "name" | "data"> {
  readonly nameOffset: number;
}

/**
 * Reads the headers of an ELF object. No two sections may share bytes of the file, so that what is made of the sections
 * is bounded by the file's size.
 *
 * @throws FormatError where the file contradicts itself or isn't ELF; NotSupportedError for ELF of another kind: 32
 * bits, another machine, linked files.
 */
export function readElf(input: Uint8Array): ElfFile {
  // A Node Buffer's slice() shares memory with it, against the contract of Uint8Array.
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  const header = readHeader(bytes);
  const raw = readSectionTable(bytes, header);
  refuseOverlaps(raw);
  const nameSection = raw[header.nameSection];
  const data = raw.map((section) =>
    section.type === SHT_NOBITS || section.index === 0
      ? new Uint8Array(0)
      : bytes.subarray(section.offset, section.offset + section.size),
  );
  const names = new StringTable(data[header.nameSection] ?? new Uint8Array(0), ".shstrtab");
  const sections = raw.map(({ nameOffset, ...section }) => ({
    ...section,
    name: nameSection === undefined || section.index === 0 ? "" : names.at(nameOffset),
    data: data[section.index]!,
  }));
  const relocationSections = new Map<number, ElfSection[]>();
  for (const section of sections) {
    if (section.type !== SHT_REL && section.type !== SHT_RELA) continue;
    const known = relocationSections.get(section.info);
    if (known === undefined) relocationSections.set(section.info, [section]);
    else known.push(section);
  }
  return { littleEndian: header.littleEndian, sections, relocationSections };
}

function readHeader(bytes: Uint8Array): ElfHeader {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw new FormatError(`not an ELF object${guessFormat(bytes)}`, { offset: 0 });
  }
  if (bytes.length < HEADER_SIZE) {
    throw new FormatError(`the ELF header needs ${HEADER_SIZE} bytes, the file has ${bytes.length}`, { offset: 0 });
  }
  if (bytes[4] === 1) throw new NotSupportedError("32-bit ELF", "BPF objects are 64-bit ELF, this one is 32-bit");
  if (bytes[4] !== 2) throw new FormatError(`unknown ELF class ${bytes[4]}`, { offset: 4 });
  if (bytes[5] !== 1 && bytes[5] !== 2) throw new FormatError(`unknown ELF byte order ${bytes[5]}`, { offset: 5 });
  const littleEndian = bytes[5] === 1;
  const reader = new ByteReader(bytes, { littleEndian }).seek(16);
  const type = reader.u16();
  const machine = reader.u16();
  // LLVM 3.7 and 3.8 had no number for BPF yet.
  if (machine !== EM_BPF && machine !== EM_NONE) {
    throw new NotSupportedError("ELF machine", `the object is for ELF machine ${machine}, not for BPF (${EM_BPF})`);
  }
  if (type !== ET_REL) {
    throw new NotSupportedError(
      "linked ELF",
      `a BPF object is a relocatable ELF file (type 1), this one has type ${type}`,
    );
  }
  reader.seek(40);
  const sectionTable = reader.size64("section header table offset");
  reader.seek(58);
  const entrySize = reader.u16();
  const sectionCount = reader.u16();
  const nameSection = reader.u16();
  if (sectionCount === 0 && sectionTable !== 0) {
    throw new NotSupportedError(
      "extended section numbering",
      `objects of ${SHN_LORESERVE} sections and more are not read`,
    );
  }
  if (sectionCount > 0 && entrySize !== SECTION_HEADER_SIZE) {
    throw new FormatError(`section headers are ${SECTION_HEADER_SIZE} bytes, not ${entrySize}`, { offset: 58 });
  }
  if (nameSection >= sectionCount && nameSection !== 0) {
    throw new FormatError(`section ${nameSection} for the names is none of ${sectionCount}`, { offset: 62 });
  }
  return { littleEndian, sectionTable, sectionCount, nameSection };
}

/** What people pass by mistake. */
function guessFormat(bytes: Uint8Array): string {
  if (bytes[0] === 0x42 && bytes[1] === 0x43) return ": this is LLVM bitcode (compile without -flto and -emit-llvm)";
  if (bytes[0] === 0x21 && bytes[1] === 0x3c) return ": this is an archive";
  if (bytes.length === 0) return ": the file is empty";
  return "";
}

function readSectionTable(bytes: Uint8Array, header: ElfHeader): RawSection[] {
  const { sectionTable, sectionCount, littleEndian } = header;
  if (sectionTable + sectionCount * SECTION_HEADER_SIZE > bytes.length) {
    throw new FormatError(`${sectionCount} section headers don't fit into ${bytes.length} bytes`, {
      offset: sectionTable,
    });
  }
  const reader = new ByteReader(bytes, { littleEndian });
  const sections: RawSection[] = [];
  for (let index = 0; index < sectionCount; index++) {
    const at = sectionTable + index * SECTION_HEADER_SIZE;
    reader.seek(at);
    const nameOffset = reader.u32();
    const type = reader.u32();
    const flags = Number(reader.u64() & 0xffffffffn);
    reader.skip(8);
    const offset = reader.size64("section offset");
    const size = reader.size64("section size");
    const link = reader.u32();
    const info = reader.u32();
    const alignment = Number(reader.u64());
    const entrySize = reader.size64("section entry size");
    if (index > 0 && type !== SHT_NOBITS && type !== 0 && offset + size > bytes.length) {
      throw new FormatError(
        `section ${index} of ${size} bytes at ${offset} reaches past the file's ${bytes.length} bytes`,
        { offset: at },
      );
    }
    // An SHT_NULL entry has no bytes, whatever it says.
    const ownSize = type === 0 ? 0 : size;
    sections.push({ index, nameOffset, type, flags, offset, size: ownSize, link, info, entrySize, alignment });
  }
  return sections;
}

function refuseOverlaps(sections: readonly RawSection[]): void {
  const byOffset = sections
    .filter((section) => section.size > 0 && section.type !== SHT_NOBITS)
    .sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < byOffset.length; i++) {
    const [before, after] = [byOffset[i - 1]!, byOffset[i]!];
    if (before.offset + before.size > after.offset) {
      throw new FormatError(`sections ${before.index} and ${after.index} overlap`, { offset: after.offset });
    }
  }
}
