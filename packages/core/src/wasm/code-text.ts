import { i32, i64 } from "./operators.js";

/** What indexes in code stand for. */
export interface CodeNames {
  local(index: number): string;
  function(index: number): string;
  global(index: number): string;
}

/** An instruction as WebAssembly's text format writes it. */
export interface CodeLine {
  /** Bytes from the start of the code. */
  readonly offset: number;
  /** Blocks that it stands in. */
  readonly depth: number;
  readonly text: string;
}

const FIRST_ACCESS = 0x28;
const LAST_ACCESS = 0x3e;
const ATOMIC_PREFIX = 0xfe;
const BULK_PREFIX = 0xfc;

const operators = new Map<number, string>();
const atomics = new Map<number, string>([[0x03, "atomic.fence"]]);
for (const [type, table] of Object.entries({ i32, i64 })) {
  for (const [name, operator] of Object.entries(table) as [string, number][]) {
    if (name.startsWith("atomic_")) atomics.set(operator & 0xff, `${type}.${dotted(name)}`);
    else operators.set(operator & 0xff, `${type}.${name}`);
  }
}

function dotted(name: string): string {
  return name.replace("atomic_", "atomic.").replace(/(rmw\d*)_/, "$1.");
}

/** Instructions without an immediate, and those whose immediate is one index of a kind. */
const simple: Readonly<Record<number, string>> = {
  0: "unreachable",
  1: "nop",
  5: "else",
  11: "end",
  15: "return",
  26: "drop",
  27: "select",
};
const indexed: Readonly<Record<number, readonly [string, "local" | "function" | "global" | "label"]>> = {
  12: ["br", "label"],
  13: ["br_if", "label"],
  16: ["call", "function"],
  18: ["return_call", "function"],
  32: ["local.get", "local"],
  33: ["local.set", "local"],
  34: ["local.tee", "local"],
  35: ["global.get", "global"],
  36: ["global.set", "global"],
};
const openers: Readonly<Record<number, string>> = { 2: "block", 3: "loop", 4: "if" };
const valueTypes: Readonly<Record<number, string>> = { 64: "", 127: " (result i32)", 126: " (result i64)" };

/**
 * The instructions of a function's code, as {@link FunctionBuilder} wrote them.
 *
 * @throws RangeError for an instruction that it doesn't write
 */
export function* listCode(code: Uint8Array, names: CodeNames): Generator<CodeLine> {
  const reader = new Reader(code);
  let depth = 0;
  while (reader.at < code.length) {
    const offset = reader.at;
    const opcode = reader.u8();
    const closes = opcode === 5 || opcode === 11;
    if (closes) depth--;
    yield { offset, depth, text: textOf(reader, opcode, names) };
    if (opcode === 5 || openers[opcode] !== undefined) depth++;
  }
}

function textOf(reader: Reader, opcode: number, names: CodeNames): string {
  const plain = simple[opcode];
  if (plain !== undefined) return plain;
  const index = indexed[opcode];
  if (index !== undefined) {
    const [name, kind] = index;
    const number = reader.u32();
    return kind === "label" ? `${name} ${number}` : `${name} $${names[kind](number)}`;
  }
  const opener = openers[opcode];
  if (opener !== undefined) return opener + blockType(reader);
  switch (opcode) {
    case 14:
      return `br_table ${Array.from({ length: reader.u32() + 1 }, () => reader.u32()).join(" ")}`;
    case 17:
    case 19: {
      const signature = reader.u32();
      return `${opcode === 17 ? "call_indirect" : "return_call_indirect"} ${reader.u32()} (type ${signature})`;
    }
    case 63:
      reader.u8();
      return "memory.size";
    case 65:
      return `i32.const ${reader.signed()}`;
    case 66:
      return `i64.const ${reader.signed()}`;
    case ATOMIC_PREFIX:
      return atomic(reader);
    case BULK_PREFIX:
      return bulk(reader);
  }
  const name = operators.get(opcode);
  if (name === undefined) throw new RangeError(`unknown instruction 0x${opcode.toString(16)}`);
  return opcode >= FIRST_ACCESS && opcode <= LAST_ACCESS ? name + access(reader) : name;
}

function blockType(reader: Reader): string {
  const type = reader.u8();
  return valueTypes[type] ?? ` (type ${type})`;
}

function access(reader: Reader): string {
  reader.u32();
  const offset = reader.u32();
  return offset === 0 ? "" : ` offset=${offset}`;
}

function atomic(reader: Reader): string {
  const opcode = reader.u8();
  if (opcode === 3) reader.u8();
  const name = atomics.get(opcode);
  if (name === undefined) throw new RangeError(`unknown atomic instruction 0x${opcode.toString(16)}`);
  return opcode === 3 ? name : name + access(reader);
}

function bulk(reader: Reader): string {
  const opcode = reader.u32();
  const copies = opcode === 10;
  reader.u8();
  if (copies) reader.u8();
  return copies ? "memory.copy" : "memory.fill";
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError("the code ends within an instruction");
    return byte;
  }

  u32(): number {
    return Number(BigInt.asUintN(32, this.#leb().value));
  }

  signed(): bigint {
    const { value, bits } = this.#leb();
    return BigInt.asIntN(bits, value);
  }

  #leb(): { value: bigint; bits: number } {
    let value = 0n;
    let bits = 0;
    for (;;) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(bits);
      bits += 7;
      if ((byte & 0x80) === 0) return { value, bits };
    }
  }
}
