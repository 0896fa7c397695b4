import { AssembleError } from "../base/index.js";
import type { Assembly, AssemblyVariable } from "./assembly.js";
import { defineConstant, readDirective } from "./directive.js";
import { SLOT_SIZE } from "./instruction.js";
import { readStatements, type Statement } from "./lexer.js";
import { seesRegister } from "./operands.js";
import { parseCall } from "./parse-call.js";
import { parseInfix, seesInfix } from "./parse-infix.js";
import { mnemonics, parseMnemonic } from "./parse-mnemonic.js";
import type { ParsedInstruction } from "./parsed.js";
import { resolveSection } from "./resolve.js";
import type { SectionBuilder } from "./section-builder.js";
import { SourceState } from "./source.js";
import { didYouMean } from "./suggestion.js";
import { describe, TokenReader } from "./token-reader.js";

/** What assembly source may refer to beyond what it defines itself. */
export interface AssembleOptions {
  /** Helpers that `call bpf_...` may name, and their numbers. */
  readonly helpers?: ReadonlyMap<string, number>;
  /** Constants, as if `.equ` had defined them. */
  readonly constants?: ReadonlyMap<string, bigint>;
  /** Takes names that nothing defines for external ones, as LLVM does. By default they are mistakes. */
  readonly undefinedNames?: "refuse" | "extern";
}

/**
 * Assembles a program without sections and references to little-endian slots. See {@link assembleObject}.
 *
 * @throws AssembleError
 */
export function assemble(source: string, options: AssembleOptions = {}): Uint8Array {
  const { sections } = assembleObject(source, options);
  const filled = sections.filter((section) => section.bytes.length > 0);
  const section = filled[0];
  if (section === undefined) return new Uint8Array(0);
  const reference = section.references[0];
  if (filled.length > 1 || reference !== undefined) {
    const line = section.lines.find(({ slot }) => slot === reference?.slot) ?? { line: 1, column: 1 };
    const what = reference === undefined ? "several sections" : `a reference to ${reference.symbol}`;
    throw new AssembleError(`a program with ${what} is an object, not mere instructions`, line.line, line.column);
  }
  return section.bytes;
}

/**
 * Assembles source in the styles of the kernel's log and of LLVM (`r1 += 5`, `if r1 s> 0x5 goto L1`) and of the
 * conformance suite (`add %r1, 5`, `jsgt %r1, 5, L1`), mixed at will, dumps with their `12: (07) ` and comments
 * included. Statements end at a line's end or a semicolon; `#`, `//` and `/ * * /` are comments.
 *
 * Labels are `name:`, or numeric as in `1:` with `goto 1b`; the label `exit`, unless written, is the first `exit`.
 * `name = 5`, `.equ` and `.set` define constants, `.map NAME TYPE KEY VALUE ENTRIES [FLAGS]` a map that
 * `r1 = map[NAME]` or `r1 = NAME ll` refers to. Known directives beside: `.section`, `.text`, `.data`, `.globl`,
 * `.extern`, `.type`, alignment, `.byte` to `.quad`, `.ascii`, `.asciz`, `.zero`.
 *
 * @throws AssembleError at the first mistake.
 */
export function assembleObject(source: string, options: AssembleOptions = {}): Assembly {
  const state = new SourceState(options.constants ?? []);
  for (const statement of readStatements(source)) readStatement(statement, state);
  const known = { helpers: options.helpers ?? new Map(), allExtern: options.undefinedNames === "extern" };
  const sections = [...state.sections.values()].filter((section) => section.size > 0 || section.name !== ".text");
  markFunctions(state);
  return {
    sections: sections.map((section) =>
      section.finish(resolveSection(section, state, known), variablesIn(section, state)),
    ),
    maps: [...state.maps.values()],
    constants: state.constants,
  };
}

function variablesIn(section: SectionBuilder, state: SourceState): AssemblyVariable[] {
  if (section.hasCode) return [];
  const here = [...state.labels].filter(([, label]) => label.section === section);
  here.sort(([, a], [, b]) => a.offset - b.offset);
  const variables = new Array<AssemblyVariable>(here.length);
  let end = section.size;
  for (let i = here.length - 1; i >= 0; i--) {
    const [name, { offset }] = here[i]!;
    const next = here[i + 1]?.[1].offset;
    if (next !== undefined && next > offset) end = next;
    variables[i] = { name, offset, size: end - offset, global: state.globals.has(name) };
  }
  return variables;
}

function readStatement({ tokens, opcode }: Statement, state: SourceState): void {
  const reader = new TokenReader(tokens, state.constants);
  while (reader.peek(1).text === ":" && (reader.current.kind === "word" || reader.current.kind === "number")) {
    if (seesRegister(reader)) reader.fail("a label that is no register's name");
    state.defineLabel(reader.next());
    reader.next();
  }
  const start = reader.current;
  if (start.kind === "end") return;
  if (start.kind === "word" && start.text.startsWith(".")) {
    readDirective(reader, state);
  } else if (start.kind === "word" && reader.peek(1).text === "=" && !seesRegister(reader)) {
    reader.next();
    reader.next();
    defineConstant(start, reader, state);
  } else {
    const parsed = parseInstruction(reader, opcode);
    if (opcode !== undefined && parsed.row.opcode !== opcode) {
      const codes = [opcode, parsed.row.opcode].map((code) => `0x${code.toString(16).padStart(2, "0")}`);
      throw new AssembleError(
        `the dump has opcode ${codes[0]} here, the text means ${codes[1]}`,
        start.line,
        start.column,
      );
    }
    state.current.instruction(parsed, start);
  }
  reader.expectEnd();
}

function parseInstruction(reader: TokenReader, opcode: number | undefined): ParsedInstruction {
  if (seesInfix(reader)) return parseInfix(reader, opcode);
  if (reader.sees("call") || reader.sees("callx")) return parseCall(reader);
  const { current } = reader;
  if (current.kind === "word" && mnemonics.has(current.text)) return parseMnemonic(reader);
  const expected = "an instruction, a label or a directive";
  if (current.kind !== "word") return reader.fail(expected);
  const names = [...mnemonics, "call", "callx", "goto", "gotol", "if"];
  const suggestion = didYouMean(current.text, names);
  throw new AssembleError(
    `expected ${expected}, but found ${describe(current)}${suggestion}`,
    current.line,
    current.column,
  );
}

/** Notes where functions start, as far as the labels tell; calls tell the rest. */
function markFunctions(state: SourceState): void {
  for (const [name, { section, offset }] of state.labels) {
    const global = state.globals.has(name);
    const declared = global || state.functions.has(name);
    if (!section.hasCode || offset % SLOT_SIZE !== 0 || !(declared || offset === 0)) continue;
    const slot = offset / SLOT_SIZE;
    if (declared || !section.functions.has(slot)) section.functions.set(slot, { slot, name, global });
  }
  for (const section of state.sections.values()) {
    if (!section.hasCode || section.functions.has(0)) continue;
    section.functions.set(0, { slot: 0, name: section.name.replace(/^\./, ""), global: false });
  }
}
