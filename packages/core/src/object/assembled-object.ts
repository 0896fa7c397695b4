import { helperNumbers } from "../abi/index.js";
import { AssembleError } from "../base/index.js";
import {
  type Assembly,
  type AssemblySection,
  assembleObject,
  OPCODE_LDDW,
  ReferencePatch,
  SLOT_SIZE,
} from "../isa/index.js";
import { describeAssembly, mapDefinitionSize } from "./assembled-btf.js";
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE } from "./elf.js";
import { type RelocationDraft, type SectionDraft, type SymbolDraft, writeElf } from "./elf-writer.js";
import { R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS64 } from "./relocations.js";

/** How to assemble a file. */
export interface AssembleElfOptions {
  /** The source's file name, for its line records. */
  readonly file?: string | undefined;
}

/**
 * Assembles a source to a BPF object file, for {@link readObject} and every other loader: `.section`s by libbpf's names,
 * the maps of `.map` directives as BTF describes them, labels in data as variables, and the source's lines as line
 * records. Helpers are called by name. A source without sections is a program in `.text`, whose type has to be chosen when
 * it is read.
 *
 * Subprograms belong into `.text`: libbpf takes every function of another section for a program.
 *
 * @throws AssembleError at the first mistake.
 */
export function assembleElf(source: string, options: AssembleElfOptions = {}): Uint8Array<ArrayBuffer> {
  const assembly = assembleObject(source, { helpers: helperNumbers });
  refuseMapValues(assembly);
  const draft = new ObjectDraft(assembly);
  const lines = source.split(/\r?\n/);
  const { btf, ext } = describeAssembly(assembly, { file: options.file ?? "", lines });
  draft.add(".BTF", 0, btf);
  draft.add(".BTF.ext", 0, ext);
  return writeElf(draft.sections, draft.symbols);
}

interface DraftedSection extends SectionDraft {
  readonly relocations: RelocationDraft[];
}

/** Sections and symbols of an object as they are gathered. */
class ObjectDraft {
  readonly sections: DraftedSection[] = [];
  readonly symbols: SymbolDraft[] = [];
  readonly #named = new Map<string, SymbolDraft>();
  readonly #starts = new Map<string, SymbolDraft>();

  constructor(assembly: Assembly) {
    const { sections } = assembly;
    const drafts = sections.map((section) => this.add(section.name, flagsOf(section), withAddends(section)));
    const onlyText = sections.every((section) => !section.code || section.name === ".text");
    sections.forEach((section, index) => {
      this.#addNames(section, drafts[index]!, section.name === ".text" && !onlyText);
    });
    this.#addMaps(assembly);
    sections.forEach((section, index) => {
      this.#addRelocations(section, drafts[index]!);
    });
  }

  add(name: string, flags: number, data: Uint8Array): DraftedSection {
    const zeros = name === ".bss" || name.startsWith(".bss.");
    const section = { name, flags, data, zeros, relocations: [] };
    this.sections.push(section);
    return section;
  }

  /** A subprogram's types are a guess, so it is hidden: verified where it is called, and not by itself. */
  #addNames({ functions, variables, bytes }: AssemblySection, section: SectionDraft, subprograms: boolean): void {
    functions.forEach(({ name, slot, global }, index) => {
      const end = functions[index + 1]?.slot ?? bytes.length / SLOT_SIZE;
      this.#define({
        name,
        kind: "func",
        binding: global || (slot === 0 && !subprograms) ? "global" : "local",
        hidden: subprograms,
        section,
        value: slot * SLOT_SIZE,
        size: (end - slot) * SLOT_SIZE,
      });
    });
    for (const { name, offset, size, global } of variables) {
      const binding = global ? "global" : "local";
      this.#define({ name, kind: "object", binding, section, value: offset, size });
    }
  }

  #addMaps({ maps }: Assembly): void {
    if (maps.length === 0) return;
    const sizes = maps.map(mapDefinitionSize);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const section = this.add(".maps", SHF_ALLOC | SHF_WRITE, new Uint8Array(total));
    let value = 0;
    maps.forEach(({ name }, index) => {
      this.#define({ name, kind: "object", binding: "global", section, value, size: sizes[index]! });
      value += sizes[index]!;
    });
  }

  #addRelocations({ references, pointers }: AssemblySection, section: DraftedSection): void {
    for (const { slot, kind, symbol } of references) {
      const at = slot * SLOT_SIZE;
      section.relocations.push({
        offset: at,
        type: section.data[at] === OPCODE_LDDW ? R_BPF_64_64 : R_BPF_64_32,
        symbol: kind === "data" ? this.#start(symbol) : this.#symbol(symbol),
      });
    }
    for (const { offset, symbol } of pointers) {
      section.relocations.push({ offset, type: R_BPF_64_ABS64, symbol: this.#symbol(symbol) });
    }
  }

  #define(symbol: SymbolDraft): SymbolDraft {
    this.symbols.push(symbol);
    this.#named.set(symbol.name, symbol);
    return symbol;
  }

  #symbol(name: string): SymbolDraft {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    return this.#define({ name, kind: "notype", binding: "global", section: undefined, value: 0, size: 0 });
  }

  /** The symbol of a section itself. */
  #start(name: string): SymbolDraft {
    const known = this.#starts.get(name);
    if (known !== undefined) return known;
    const section = this.sections.find((each) => each.name === name);
    const symbol: SymbolDraft = { name: "", kind: "section", binding: "local", section, value: 0, size: 0 };
    this.#starts.set(name, symbol);
    this.symbols.push(symbol);
    return symbol;
  }
}

/** A section with its lddws as compilers leave them: the addend in the first immediate, and its meaning to the symbol. */
function withAddends({ bytes, references }: AssemblySection): Uint8Array {
  const code = new ReferencePatch(bytes);
  for (const { slot, offset } of references) {
    if (bytes[slot * SLOT_SIZE] === OPCODE_LDDW) code.load(slot, 0, offset, 0);
  }
  return code.bytes;
}

/** Objects know no address of a map's value: what they point into is a section of data. */
function refuseMapValues({ sections }: Assembly): void {
  for (const { references, lines } of sections) {
    const reference = references.find(({ kind }) => kind === "map_value");
    if (reference === undefined) continue;
    const { line, column } = lines.find(({ slot }) => slot === reference.slot)!;
    const message = `an object cannot refer to the value of map ${reference.symbol}; a label in .data or .bss has an address`;
    throw new AssembleError(message, line, column);
  }
}

function flagsOf({ name, code }: AssemblySection): number {
  if (code) return SHF_ALLOC | SHF_EXECINSTR;
  return name.startsWith(".rodata") ? SHF_ALLOC : SHF_ALLOC | SHF_WRITE;
}
