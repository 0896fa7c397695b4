import { BpfError, FormatError, NotSupportedError } from "../base/index.js";
import { type Btf, type BtfExt, parseBtf, parseBtfExt, type TypeId } from "../btf/index.js";
import { type ElfFile, type ElfSection, readElf, SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS } from "./elf.js";
import { readSymbols, type SymbolTable } from "./symbols.js";

/** An object that is linked with others. */
export interface LinkFile {
  /** For errors. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An object as the static linker works on it. */
export interface LinkInput {
  readonly name: string;
  readonly elf: ElfFile;
  readonly symbols: SymbolTable;
  readonly btf: Btf | undefined;
  readonly ext: BtfExt | undefined;
  /** Functions and variables of its BTF that others may mean, and those that it expects of others, by name. */
  readonly defined: ReadonlyMap<string, TypeId>;
  readonly expected: ReadonlyMap<string, TypeId>;
}

const MAX_ALIGNMENT = 4096;

/** @throws BpfError `"LINK"` for what is no object, NotSupportedError for one that is of another kind or big-endian */
export function readLinkInput(file: LinkFile): LinkInput {
  try {
    return readInput(file);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw linkError(`${file.name}: ${error.message}`, error);
  }
}

function readInput({ name, bytes }: LinkFile): LinkInput {
  const elf = readElf(bytes);
  if (!elf.littleEndian) throw new NotSupportedError("linking big-endian objects", `${name} is a big-endian object`);
  for (const section of elf.sections) checkAlignment(section);
  const find = (wanted: string) => elf.sections.find((section) => section.name === wanted && section.size > 0);
  const types = find(".BTF");
  const btf = types === undefined ? undefined : parseBtf(types.data);
  const ext = find(".BTF.ext");
  const [defined, expected] = namesOf(btf);
  return {
    name,
    elf,
    symbols: readSymbols(elf),
    btf,
    ext: btf === undefined || ext === undefined ? undefined : parseBtfExt(ext.data, btf),
    defined,
    expected,
  };
}

function checkAlignment({ name, alignment }: ElfSection): void {
  if (alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) !== 0) {
    throw new FormatError(`an alignment of ${alignment} bytes`, { section: name });
  }
}

function namesOf(btf: Btf | undefined): [Map<string, TypeId>, Map<string, TypeId>] {
  const [defined, expected] = [new Map<string, TypeId>(), new Map<string, TypeId>()];
  for (let id = btf?.firstId ?? 0; id < (btf?.length ?? 0); id++) {
    const type = btf!.type(id);
    if (type.kind !== "func" && type.kind !== "var") continue;
    if (type.linkage === "static") continue;
    const names = type.linkage === "extern" ? expected : defined;
    if (!names.has(type.name)) names.set(type.name, id);
  }
  return [defined, expected];
}

/** Does the section's content belong to the program, rather than being a note, a table or debugging information? */
export function isLinked({ name, type, flags, size }: ElfSection): boolean {
  if (type !== SHT_PROGBITS && type !== SHT_NOBITS) return false;
  if ((flags & SHF_ALLOC) === 0 || name === ".eh_frame") return false;
  return size > 0 || (flags & SHF_EXECINSTR) === 0;
}

/** Sections of which every object has its own, and a program only one: all have to be the same. */
export function isShared(name: string): boolean {
  return name === "license" || name === "version";
}

/** What does not go together, or is no object at all. */
export function linkError(message: string, cause?: Error): BpfError<"LINK"> {
  return Object.assign(new BpfError("LINK", message), cause === undefined ? {} : { cause });
}
