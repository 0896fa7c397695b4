import { FormatError } from "../base/index.js";
import { SLOT_SIZE } from "../isa/index.js";
import { type ElfFile, type ElfSection, SHF_EXECINSTR, SHT_PROGBITS } from "./elf.js";
import { type ElfRelocation, readRelocations } from "./relocations.js";
import type { ElfSymbol } from "./symbols.js";

/** A function as the object has it: a stretch of slots in a section, its calls not yet linked. */
export interface ObjectFunction {
  readonly name: string;
  readonly section: CodeSection;
  /** First slot, and the one after the last, within the section. */
  readonly start: number;
  readonly end: number;
  /** Visible outside of the object: neither static nor hidden. */
  readonly visible: boolean;
  /** A program; else a subprogram only. */
  readonly entry: boolean;
}

/** A section of instructions. */
export interface CodeSection {
  readonly index: number;
  readonly name: string;
  /** Little-endian slots, whatever the object's byte order: a copy. */
  readonly bytes: Uint8Array;
  /** By start. */
  readonly functions: readonly ObjectFunction[];
  /** By offset. */
  readonly relocations: readonly ElfRelocation[];
}

/**
 * The sections that hold instructions and the functions in them. A section's functions are its FUNC symbols; compilers
 * up to LLVM 6 wrote none, there it is the global NOTYPE symbols, or the whole section.
 *
 * @throws FormatError for a function that isn't within its section or not made of whole slots.
 */
export function readCode(elf: ElfFile, symbols: ReadonlyMap<number, readonly ElfSymbol[]>): Map<number, CodeSection> {
  const sections = elf.sections.filter(
    (section) => section.type === SHT_PROGBITS && (section.flags & SHF_EXECINSTR) !== 0 && section.size > 0,
  );
  // Without any SEC() the compiler puts everything into .text, and then that is where the programs are.
  const alone = sections.every((section) => section.name === ".text");
  const code = new Map<number, CodeSection>();
  for (const section of sections) {
    code.set(section.index, readSection(elf, section, symbols.get(section.index) ?? [], alone));
  }
  return code;
}

function readSection(elf: ElfFile, section: ElfSection, symbols: readonly ElfSymbol[], alone: boolean): CodeSection {
  if (section.size % SLOT_SIZE !== 0) {
    throw new FormatError(`${section.size} bytes of instructions are no multiple of ${SLOT_SIZE}`, {
      section: section.name,
    });
  }
  const functions: ObjectFunction[] = [];
  const code: CodeSection = {
    index: section.index,
    name: section.name,
    bytes: elf.littleEndian ? section.data.slice() : swapSlots(section.data),
    functions,
    relocations: readRelocations(elf, section),
  };
  const starts = functionSymbols(section, symbols);
  const anyGlobal = starts.some((symbol) => symbol.binding !== "local");
  const ends = followingStarts(starts, section.size);
  starts.forEach((symbol, i) => {
    const end = symbol.size === 0 ? ends[i]! : symbol.value + symbol.size;
    if (end > section.size || symbol.value % SLOT_SIZE !== 0 || end % SLOT_SIZE !== 0 || end <= symbol.value) {
      throw new FormatError(
        `function ${symbol.name} (bytes ${symbol.value} to ${end}) isn't made of slots of its section`,
        {
          section: section.name,
          offset: symbol.value,
        },
      );
    }
    functions.push({
      name: symbol.name,
      section: code,
      start: symbol.value / SLOT_SIZE,
      end: end / SLOT_SIZE,
      visible: symbol.binding !== "local" && !symbol.hidden,
      entry: (section.name !== ".text" || alone) && (symbol.binding !== "local" || !anyGlobal),
    });
  });
  return code;
}

/** For each symbol where the next one with a higher value starts: the end of a function whose size isn't known. */
function followingStarts(symbols: readonly ElfSymbol[], sectionSize: number): number[] {
  const ends = new Array<number>(symbols.length);
  for (let i = symbols.length - 1; i >= 0; i--) {
    const next = symbols[i + 1];
    if (next === undefined) ends[i] = sectionSize;
    else ends[i] = next.value > symbols[i]!.value ? next.value : ends[i + 1]!;
  }
  return ends;
}

function functionSymbols(section: ElfSection, symbols: readonly ElfSymbol[]): readonly ElfSymbol[] {
  let found = symbols.filter((symbol) => symbol.kind === "func");
  if (found.length === 0) found = symbols.filter((symbol) => symbol.kind === "notype" && symbol.binding !== "local");
  if (found.length === 0) {
    const name = section.name.replace(/[^A-Za-z0-9_]/g, "_");
    const whole = { index: 0, name, value: 0, size: section.size, section: section.index };
    return [{ ...whole, binding: "global", kind: "func", hidden: false }];
  }
  // Global names first among aliases of one address.
  const rank = (symbol: ElfSymbol) => (symbol.binding === "local" ? 1 : 0);
  return found.sort((a, b) => a.value - b.value || rank(a) - rank(b));
}

/** Big-endian slots have their registers' nibbles, offset and immediate the other way around. */
function swapSlots(bytes: Uint8Array): Uint8Array {
  const swapped = bytes.slice();
  for (let at = 0; at < bytes.length; at += SLOT_SIZE) {
    const registers = bytes[at + 1]!;
    swapped[at + 1] = (registers << 4) | (registers >> 4);
    swapped[at + 2] = bytes[at + 3]!;
    swapped[at + 3] = bytes[at + 2]!;
    for (let i = 0; i < 4; i++) swapped[at + 4 + i] = bytes[at + 7 - i]!;
  }
  return swapped;
}

/** The function that starts at a slot, or undefined. */
export function functionAt(section: CodeSection, slot: number): ObjectFunction | undefined {
  const { functions } = section;
  let low = 0;
  let high = functions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (functions[middle]!.start < slot) low = middle + 1;
    else high = middle;
  }
  return functions[low]?.start === slot ? functions[low] : undefined;
}
