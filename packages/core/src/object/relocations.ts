import { FormatError, NotSupportedError } from "../base/index.js";
import { type ElfFile, type ElfSection, SHT_RELA } from "./elf.js";

/** Relocation types of BPF objects. @see https://docs.kernel.org/bpf/llvm_reloc.html */
export const R_BPF_NONE = 0;
/** lddw: the address of a symbol, with the addend in both `imm` fields. */
export const R_BPF_64_64 = 1;
/** 64 bits of data. */
export const R_BPF_64_ABS64 = 2;
/** 32 bits of data. */
export const R_BPF_64_ABS32 = 3;
/** 32 bits of .BTF and .BTF.ext, not to be touched by loaders. */
export const R_BPF_64_NODYLD32 = 4;
/** call: the function of a symbol, with the addend in `imm`. Before LLVM 13 also 32 bits of data. */
export const R_BPF_64_32 = 10;

const ENTRY_SIZE = 16;

/** A place in a section whose bytes depend on a symbol. */
export interface ElfRelocation {
  /** Bytes from the start of the section that is relocated. */
  readonly offset: number;
  readonly type: number;
  /** Index into the symbol table. */
  readonly symbol: number;
}

/**
 * The relocations of one section, sorted by offset.
 *
 * @throws FormatError for malformed entries and two relocations of one place; NotSupportedError for SHT_RELA, whose
 * addends no BPF loader agrees upon.
 */
export function readRelocations(elf: ElfFile, target: ElfSection): ElfRelocation[] {
  const relocations: ElfRelocation[] = [];
  for (const section of elf.relocationSections.get(target.index) ?? []) {
    if (section.type === SHT_RELA) {
      throw new NotSupportedError("RELA relocations", `${section.name} holds relocations with explicit addends (RELA)`);
    }
    readEntries(section, target, elf.littleEndian, relocations);
  }
  relocations.sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < relocations.length; i++) {
    if (relocations[i]!.offset === relocations[i - 1]!.offset) {
      throw new FormatError("two relocations of one place", { section: target.name, offset: relocations[i]!.offset });
    }
  }
  return relocations;
}

function readEntries(section: ElfSection, target: ElfSection, littleEndian: boolean, into: ElfRelocation[]): void {
  if (section.size % ENTRY_SIZE !== 0) {
    throw new FormatError(`${section.size} bytes are no multiple of ${ENTRY_SIZE}`, { section: section.name });
  }
  const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
  const [low, high] = littleEndian ? [0, 4] : [4, 0];
  for (let at = 0; at < section.size; at += ENTRY_SIZE) {
    const offset = view.getUint32(at + low, littleEndian);
    if (view.getUint32(at + high, littleEndian) !== 0 || offset >= target.size) {
      throw new FormatError(`a relocation is outside of ${target.name}`, { section: section.name, offset: at });
    }
    // r_info is a u64: the symbol in the upper half, the type in the lower.
    const type = view.getUint32(at + 8 + low, littleEndian);
    if (type === R_BPF_NONE) continue;
    into.push({ offset, type, symbol: view.getUint32(at + 8 + high, littleEndian) });
  }
}
