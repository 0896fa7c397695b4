import { FormatError } from "../base/index.js";
import { BtfStrings, encodeBtf, encodeBtfExt } from "../btf/index.js";
import { OPCODE_LDDW } from "../isa/index.js";
import type { ElfSection } from "./elf.js";
import { type SectionDraft, writeElf } from "./elf-writer.js";
import { isLinked, type LinkFile, type LinkInput, linkError, readLinkInput } from "./link-input.js";
import { linkBtf } from "./linked-btf.js";
import { type LinkedSection, layOutSections, type Placement, type Placements } from "./linked-sections.js";
import { LinkedSymbols } from "./linked-symbols.js";
import { R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64, readRelocations } from "./relocations.js";

const SLOT_SIZE = 8;

/**
 * Makes one object of several, as `bpftool gen object` does: sections of one name laid one behind the other, symbols by
 * name (one strong definition or the first weak one, what nobody defines stays to be defined), types merged with each kept
 * once, and func, line and CO-RE records at their new places. The license has to be the same in all. Names that are static
 * in C stay the object's own. Debugging sections (DWARF) are left out.
 *
 * @throws BpfError `"LINK"` for what is no object, where two objects define a name, or mean different things by it
 * @throws NotSupportedError as `readObject` does, and for big-endian objects
 */
export function linkObjects(files: readonly LinkFile[]): Uint8Array<ArrayBuffer> {
  if (files.length === 0) throw linkError("there are no objects to link");
  const inputs = files.map(readLinkInput);
  const { sections, placements } = layOutSections(inputs);
  const symbols = new LinkedSymbols(inputs, placements);
  inputs.forEach((input, owner) => {
    for (const section of input.elf.sections) {
      const place = placements[owner]!.get(section.index);
      if (place !== undefined) relocate({ input, owner, section, place, placements: placements[owner]!, symbols });
    }
  });
  const drafts: SectionDraft[] = [...sections];
  const linked = linkBtf({ inputs, placements, symbols, sections });
  if (linked !== undefined) {
    const strings = new BtfStrings();
    const ext = encodeBtfExt(linked.ext, strings);
    const btf = encodeBtf(linked.types, { strings });
    drafts.push({ name: ".BTF", flags: 0, data: btf, relocations: [] });
    drafts.push({ name: ".BTF.ext", flags: 0, data: ext, relocations: [] });
  }
  return writeElf(drafts, symbols.drafts);
}

interface RelocatedSection {
  readonly input: LinkInput;
  readonly owner: number;
  readonly section: ElfSection;
  readonly place: Placement;
  readonly placements: Placements;
  readonly symbols: LinkedSymbols;
}

/** Moves a section's relocations to where the section is, and their targets to where those are. */
function relocate({ input, owner, section, place, placements, symbols }: RelocatedSection): void {
  for (const { offset, type, symbol: index } of readRelocations(input.elf, section)) {
    const target = input.symbols.at(index);
    const symbol = symbols.get(owner, index);
    if (symbol === undefined) {
      const where = input.elf.sections[target.section];
      const what = target.name || (where !== undefined && !isLinked(where) ? where.name : `symbol ${index}`);
      throw new FormatError(`${input.name}: a relocation refers to ${what}, which is not linked`, {
        section: section.name,
        offset,
      });
    }
    const at = place.base + offset;
    // What names a section and a distance in it has the distance in its bytes.
    const moved = target.kind === "section" ? placements.get(target.section)!.base : 0;
    if (moved !== 0) addToPlace(place.section, at, type, moved);
    place.section.relocations.push({ offset: at, type, symbol });
  }
}

function addToPlace(section: LinkedSection, at: number, type: number, moved: number): void {
  const { data } = section;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = type === R_BPF_64_64 ? 2 * SLOT_SIZE : type === R_BPF_64_ABS32 ? 4 : SLOT_SIZE;
  if (section.zeros || at + width > data.length) {
    throw new FormatError("a relocation reaches beyond its section", { section: section.name, offset: at });
  }
  if (type === R_BPF_64_64 && data[at] === OPCODE_LDDW)
    view.setInt32(at + 4, view.getInt32(at + 4, true) + moved, true);
  // A call's distance counts slots.
  else if (type === R_BPF_64_32) view.setInt32(at + 4, view.getInt32(at + 4, true) + moved / SLOT_SIZE, true);
  else if (type === R_BPF_64_ABS64) view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(moved), true);
  else if (type === R_BPF_64_ABS32) view.setUint32(at, view.getUint32(at, true) + moved, true);
  else throw new FormatError(`relocations of type ${type} are not known`, { section: section.name, offset: at });
}
