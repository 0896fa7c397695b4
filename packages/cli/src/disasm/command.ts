import { helperName } from "@tsbpf/core/abi";
import { lineAt } from "@tsbpf/core/host";
import { type DisassembledLine, type DisassembleOptions, disassemble } from "@tsbpf/core/isa";
import type { ObjectSpec, ProgramSpec, Reference } from "@tsbpf/core/spec";
import { isSource, readInput, readObjectFile } from "../object-file.js";
import { printJson, type Session } from "../session.js";

export interface DisasmOptions {
  readonly program?: string;
  readonly source?: boolean;
  readonly wasm?: boolean;
  readonly style?: NonNullable<DisassembleOptions["style"]>;
}

/** `tsbpf disasm FILE`: the programs of an object, or the slots of a raw image, as text. */
export async function disasm(session: Session, file: string, options: DisasmOptions): Promise<void> {
  if (options.wasm === true) {
    const { printWasm } = await import("./wasm.js");
    await printWasm(session, file, options);
    return;
  }
  const listings = (await isObject(file)) ? await listObject(file, options) : [await listImage(file, options)];
  if (session.json) {
    printJson(
      session,
      listings.map(({ program, lines }) => ({ ...program, insns: lines })),
    );
    return;
  }
  listings.forEach((listing, index) => {
    if (index > 0) session.terminal.print();
    printListing(session, listing, options);
  });
}

interface Listing {
  readonly program: { readonly name: string; readonly section?: string; readonly type?: string };
  readonly lines: readonly ListedLine[];
}

interface ListedLine extends DisassembledLine {
  /** Source position, where it changes. */
  readonly source?: { readonly file: string; readonly line: number; readonly text: string };
  /** Function that starts here. */
  readonly function?: string;
}

async function isObject(file: string): Promise<boolean> {
  if (isSource(file)) return true;
  const bytes = await readInput(file);
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

async function listImage(file: string, options: DisasmOptions): Promise<Listing> {
  const lines = disassemble(await readInput(file), { style: options.style ?? "kernel", names: { helper: helperName } });
  return { program: { name: file }, lines };
}

async function listObject(file: string, options: DisasmOptions): Promise<Listing[]> {
  const object = await readObjectFile(file);
  const { chooseProgram } = await import("../object-file.js");
  const programs = options.program === undefined ? allPrograms(object) : [chooseProgram(object, options.program)];
  return programs.map((program) => ({
    program: { name: program.name, section: program.section, type: program.type },
    lines: listProgram(program, options),
  }));
}

function allPrograms(object: ObjectSpec): ProgramSpec[] {
  return [...object.programs.values()];
}

function listProgram(program: ProgramSpec, options: DisasmOptions): ListedLine[] {
  const references = new Map(program.references.map((reference) => [reference.slot, reference]));
  const functions = new Map(program.functions.map(({ slot, name }) => [slot, name]));
  const wide = (_source: unknown, _imm: number, _high: number, slot: number) => describeReference(references.get(slot));
  const listed = disassemble(program.insns, { style: options.style ?? "kernel", names: { helper: helperName, wide } });
  let shown: string | undefined;
  return listed.map((line) => {
    const name = functions.get(line.slot);
    const source = lineAt(program, line.slot);
    const place = source && `${source.file}:${source.line}:${source.text}`;
    const changed = source !== undefined && place !== shown;
    shown = place;
    return {
      ...line,
      ...(name === undefined ? {} : { function: name }),
      ...(changed ? { source: { file: source.file, line: source.line, text: source.text } } : {}),
    };
  });
}

function describeReference(reference: Reference | undefined): string | undefined {
  switch (reference?.kind) {
    case "map":
      return `map[name:${reference.map}]`;
    case "map_value":
      return `map[name:${reference.map}][0]+${reference.offset}`;
    case "ksym":
      return reference.name;
    default:
      return undefined;
  }
}

function printListing({ terminal }: Session, { program, lines }: Listing, options: DisasmOptions): void {
  const assembly = options.style === "assembly";
  if (!assembly) {
    const type = program.type === undefined ? "" : `  (${program.type}, SEC("${program.section}"))`;
    terminal.print(terminal.style("bold", `${program.name}${type}`));
  }
  for (const line of lines) {
    if (line.function !== undefined && line.slot > 0 && !assembly) terminal.print(`${line.function}:`);
    if (options.source && line.source?.text) {
      terminal.print(
        terminal.style(
          "gray",
          `${assembly ? "# " : "; "}${line.source.text.trim()} @ ${line.source.file}:${line.source.line}`,
        ),
      );
    }
    if (line.label !== undefined) terminal.print(`${line.label}:`);
    terminal.print(assembly ? `  ${line.text}` : `${String(line.slot).padStart(4)}: ${line.text}`);
  }
}
