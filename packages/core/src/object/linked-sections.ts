import { type ElfSection, SHF_EXECINSTR, SHT_NOBITS } from "./elf.js";
import type { RelocationDraft } from "./elf-writer.js";
import { isLinked, isShared, type LinkInput, linkError } from "./link-input.js";

/** Bytes of a section; far more than a program's data has. */
const MAX_SIZE = 1 << 28;

/** A section made of the sections of one name. */
export class LinkedSection {
  readonly name: string;
  readonly flags: number;
  readonly zeros: boolean;
  readonly relocations: RelocationDraft[] = [];
  alignment: number;
  size = 0;
  readonly #pieces: { readonly base: number; readonly data: Uint8Array }[] = [];
  #data: Uint8Array | undefined;

  constructor(section: ElfSection) {
    this.name = section.name;
    this.flags = section.flags;
    this.zeros = section.type === SHT_NOBITS;
    this.alignment = alignmentOf(section);
  }

  /** Puts a section behind those that are there; where it begins. @throws BpfError `"LINK"` where it grows too large. */
  append(section: ElfSection): number {
    const alignment = alignmentOf(section);
    this.alignment = Math.max(this.alignment, alignment);
    const base = Math.ceil(this.size / alignment) * alignment;
    // Zeros take no room in a file, so that a file of any size may claim them.
    if (base + section.size > MAX_SIZE) throw linkError(`section ${this.name} has more than ${MAX_SIZE} bytes`);
    this.#pieces.push({ base, data: section.data });
    this.size = base + section.size;
    return base;
  }

  /** All of it; between the pieces are zeros. Once asked for, nothing can be appended. */
  get data(): Uint8Array {
    if (this.#data === undefined) {
      this.#data = new Uint8Array(this.size);
      for (const { base, data } of this.#pieces) this.#data.set(data, base);
    }
    return this.#data;
  }

  isSameAs(section: ElfSection): boolean {
    return this.size === section.size && this.data.every((byte, at) => byte === section.data[at]);
  }
}

/** Instructions are 8 bytes, whatever the section says. */
function alignmentOf({ flags, alignment }: ElfSection): number {
  return Math.max((flags & SHF_EXECINSTR) === 0 ? 1 : 8, alignment);
}

/** Where a section of an object went. */
export interface Placement {
  readonly section: LinkedSection;
  /** Bytes from the start of it. */
  readonly base: number;
}

/** Where the sections of one object went, by their index; the license of a second object went nowhere. */
export type Placements = ReadonlyMap<number, Placement>;

/** Lays the sections of all objects out, in the order in which they come. */
export function layOutSections(inputs: readonly LinkInput[]): {
  readonly sections: readonly LinkedSection[];
  readonly placements: readonly Placements[];
} {
  const sections = new Map<string, LinkedSection>();
  const placements = inputs.map(({ name: file, elf }) => {
    const placed = new Map<number, Placement>();
    for (const section of elf.sections) {
      if (!isLinked(section)) continue;
      const known = sections.get(section.name);
      if (known !== undefined && isShared(section.name)) {
        if (known.isSameAs(section)) continue;
        throw linkError(`${file} has another ${section.name} than the objects before it`);
      }
      const into = known ?? new LinkedSection(section);
      checkKind(file, into, section);
      sections.set(section.name, into);
      placed.set(section.index, { section: into, base: into.append(section) });
    }
    return placed;
  });
  return { sections: [...sections.values()], placements };
}

function checkKind(file: string, into: LinkedSection, section: ElfSection): void {
  if (into.zeros === (section.type === SHT_NOBITS) && into.flags === section.flags) return;
  throw linkError(`${file}: section ${section.name} is of another kind than in the objects before it`);
}
