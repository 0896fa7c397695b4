import { AssembleError } from "../base/index.js";
import { SLOT_SIZE } from "./instruction.js";
import type { Token } from "./lexer.js";
import type { SourceState } from "./source.js";
import { didYouMean } from "./suggestion.js";
import type { TokenReader } from "./token-reader.js";

type Directive = (reader: TokenReader, state: SourceState, start: Token) => void;

const directives: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  [".text", (_reader, state) => state.enter(".text")],
  [".data", (_reader, state) => state.enter(".data")],
  [".bss", (_reader, state) => state.enter(".bss")],
  [".section", readSection],
  [".globl", (reader, state) => readNames(reader, state.globals)],
  [".global", (reader, state) => readNames(reader, state.globals)],
  [".extern", (reader, state) => readNames(reader, state.externs)],
  [".type", readType],
  [".equ", readConstant],
  [".set", readConstant],
  [".map", readMap],
  [".weak", (reader, state) => readNames(reader, state.weak)],
  [".comm", readCommon],
  [".byte", (reader, state) => readData(reader, state, 1)],
  [".2byte", (reader, state) => readData(reader, state, 2)],
  [".short", (reader, state) => readData(reader, state, 2)],
  [".4byte", (reader, state) => readData(reader, state, 4)],
  [".long", (reader, state) => readData(reader, state, 4)],
  [".8byte", (reader, state) => readData(reader, state, 8)],
  [".quad", (reader, state) => readData(reader, state, 8)],
  [".ascii", (reader, state) => readStrings(reader, state, false)],
  [".asciz", (reader, state) => readStrings(reader, state, true)],
  [".string", (reader, state) => readStrings(reader, state, true)],
  [".zero", readZeros],
  [".skip", readZeros],
  [".p2align", (reader, state, start) => align(reader, state, start, (value) => 2 ** value)],
  [".align", (reader, state, start) => align(reader, state, start, (value) => value)],
  [".balign", (reader, state, start) => align(reader, state, start, (value) => value)],
]);

/** Directives that compilers write and that change nothing here. */
const ignored = [
  ".file",
  ".ident",
  ".size",
  ".local",
  ".hidden",
  ".loc",
  ".addrsig",
  ".addrsig_sym",
  ".cfi_startproc",
  ".cfi_endproc",
  ".cfi_sections",
];

/** Carries out the directive whose name is the current token. */
export function readDirective(reader: TokenReader, state: SourceState): void {
  const start = reader.next();
  const directive = directives.get(start.text);
  if (directive !== undefined) {
    directive(reader, state, start);
    return;
  }
  if (!ignored.includes(start.text)) {
    const message = `unknown directive "${start.text.slice(0, 40)}"${didYouMean(start.text, directives.keys())}`;
    throw new AssembleError(message, start.line, start.column);
  }
  while (reader.current.kind !== "end") reader.next();
}

function readSection(reader: TokenReader, state: SourceState): void {
  // A name with a slash needs quotes: .section "tp/syscalls/sys_enter_openat"
  const token = reader.current.kind === "string" ? reader.next() : reader.word("a section's name");
  let name = token.text;
  while (token.kind === "word" && !reader.sees(",") && reader.current.kind !== "end" && !reader.current.spaced) {
    name += reader.next().text;
  }
  state.enter(name);
  // Flags and type, as ELF assemblers have them.
  if (reader.sees(",")) while (reader.current.kind !== "end") reader.next();
}

function readNames(reader: TokenReader, into: Set<string>): void {
  do into.add(reader.word("a name").text);
  while (reader.accept(","));
}

function readType(reader: TokenReader, state: SourceState): void {
  const name = reader.word("a name").text;
  reader.expect(",");
  reader.expect("@");
  if (reader.word('"function" or "object"').text === "function") state.functions.add(name);
}

function readConstant(reader: TokenReader, state: SourceState): void {
  const name = reader.word("a name");
  reader.expect(",");
  defineConstant(name, reader, state);
}

/** Reads the value of a constant whose name was read. A constant may be given another value later, for what follows. */
export function defineConstant(name: Token, reader: TokenReader, state: SourceState): void {
  state.checkNew(name);
  state.constants.set(name.text, reader.expression());
}

/** `.map NAME TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES [FLAGS]`, with or without commas. */
function readMap(reader: TokenReader, state: SourceState): void {
  const token = reader.word("a map's name");
  state.checkNew(token);
  const field = (what: string): number => {
    reader.accept(",");
    const at = reader.current;
    const value = reader.expression(what);
    if (value < 0n || value > 0xffffffffn) reader.fail(`${what} of 32 bits`, at);
    return Number(value);
  };
  reader.accept(",");
  const named = reader.current.kind === "word" && !reader.seesExpression();
  const type = named ? reader.next().text : field('a map type ("hash", "array" ...)');
  const map = {
    name: token.text,
    type,
    keySize: field("the key's size in bytes"),
    valueSize: field("the value's size in bytes"),
    maxEntries: field("the number of entries"),
    flags: reader.current.kind === "end" ? 0 : field("flags"),
    line: token.line,
    column: token.column,
  };
  state.maps.set(map.name, map);
}

/** `.comm NAME, SIZE [, ALIGNMENT]`: zeros in .bss. */
function readCommon(reader: TokenReader, state: SourceState, start: Token): void {
  const name = reader.word("a name");
  reader.expect(",");
  const { current } = state;
  const size = reader.expression("a size in bytes");
  state.enter(".bss");
  if (reader.sees(",")) {
    reader.next();
    align(reader, state, start, (value) => value);
  }
  state.defineLabel(name);
  if (size < 0n || size > 0xffffffffn) reader.fail("a size in bytes", name);
  state.current.zeros(Number(size), start);
  state.current = current;
}

function readData(reader: TokenReader, state: SourceState, size: number): void {
  do {
    const token = reader.current;
    if (size === 8 && token.kind === "word" && !reader.seesExpression()) {
      state.current.pointer(reader.next());
      continue;
    }
    const value = reader.expression();
    const bits = BigInt(size * 8);
    if (value < -(1n << (bits - 1n)) || value >= 1n << bits) {
      throw new AssembleError(`${value} does not fit ${size * 8} bits`, token.line, token.column);
    }
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
    state.current.data(bytes, token);
  } while (reader.accept(","));
}

function readStrings(reader: TokenReader, state: SourceState, terminated: boolean): void {
  do {
    const token = reader.current;
    if (token.kind !== "string") reader.fail("a string");
    state.current.data(reader.next().bytes!, token);
    if (terminated) state.current.zeros(1, token);
  } while (reader.accept(","));
}

function readZeros(reader: TokenReader, state: SourceState, start: Token): void {
  const token = reader.current;
  const count = reader.expression("a number of bytes");
  if (count < 0n || count > 0xffffffffn) reader.fail("a number of bytes", token);
  state.current.zeros(Number(count), start);
}

function align(reader: TokenReader, state: SourceState, start: Token, toBytes: (value: number) => number): void {
  const token = reader.current;
  const value = reader.expression("an alignment");
  const alignment = value >= 0n && value <= 4096n ? toBytes(Number(value)) : 0;
  if (!Number.isInteger(Math.log2(alignment)) || alignment > 4096)
    reader.fail("a power of two up to 4096 bytes", token);
  // What to fill with (0 is all there is here), and how much at most.
  while (reader.accept(",")) if (!reader.sees(",")) reader.expression();
  // Code is aligned to slots anyway, and there is no instruction to fill more with.
  if (state.current.hasCode && alignment >= SLOT_SIZE) return;
  state.current.zeros((alignment - (state.current.size % alignment)) % alignment, start);
}
