import { AssembleError, decodeText, encodeText } from "../base/index.js";

/** A word (name, register, mnemonic, directive), a number, a string, an operator, or the end of the statement. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "operator" | "end";
  /** As written; a string's is its content. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** Numbers only. */
  readonly value?: bigint;
  /** Strings only: the content, UTF-8 but for what escapes put there. */
  readonly bytes?: Uint8Array;
  /** Whether white space precedes it: `foo#1` is a name with a number, `foo #1` one with a comment. */
  readonly spaced: boolean;
}

/** One statement: what stands between two line ends or semicolons. The last token is the `end`. */
export interface Statement {
  readonly tokens: readonly Token[];
  /** Opcode in a disassembler's `12: (b7)` before the instruction, which settles what its text leaves open. */
  readonly opcode: number | undefined;
}

const word = /[A-Za-z_.$][\w.$]*/y;
const register = /%[rw]\d+/y;
const number = /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+/y;
const operator =
  /s>>=|s>=|s<=|s\/=|s%=|s>|s<|<<=|>>=|<<|>>|==|!=|<=|>=|\+=|-=|\*=|\/=|\|=|&=|%=|\^=|[-+*&|~=<>()[\],:#@]/y;
const plainText = /[^"\\]+/y;
const space = /[ \t\r\f\v]+/y;
const prefix = /^\s*\d+:\s*(?:[0-9.]{10}\s+)?\(([0-9a-f]{2})\)/;

/** Digits of the longest number that can mean anything; more would only cost time. */
const MAX_NUMBER_LENGTH = 66;

/** Splits assembly source into statements. A statement's tokens are made when the consumer asks for it. */
export function* readStatements(source: string): Generator<Statement> {
  let inComment = false;
  let lineNumber = 0;
  for (let start = 0; start <= source.length; ) {
    const newline = source.indexOf("\n", start);
    const end = newline === -1 ? source.length : newline;
    lineNumber++;
    const reader = new LineReader(source.slice(start, end), lineNumber, inComment);
    yield* reader.statements();
    inComment = reader.inComment;
    start = end + 1;
  }
}

class LineReader {
  inComment: boolean;
  readonly #text: string;
  readonly #line: number;
  #at = 0;

  constructor(text: string, line: number, inComment: boolean) {
    this.#text = text;
    this.#line = line;
    this.inComment = inComment;
  }

  *statements(): Generator<Statement> {
    const dumped = this.inComment ? null : prefix.exec(this.#text);
    if (dumped !== null) this.#at = dumped[0].length;
    const opcode = dumped === null ? undefined : Number.parseInt(dumped[1]!, 16);
    // Dumps put source lines and register states behind semicolons; elsewhere a semicolon ends a statement.
    const semicolonIsComment = dumped !== null || /^\s*;/.test(this.#text);
    let tokens: Token[] = [];
    for (;;) {
      const token = this.#next(semicolonIsComment);
      if (token.kind !== "end") {
        tokens.push(token);
        continue;
      }
      if (tokens.length > 0) yield { tokens: [...tokens, token], opcode };
      tokens = [];
      if (token.text === "") return;
    }
  }

  /** The next token; an `end` has the text `;` or, at the line's end, none. */
  #next(semicolonIsComment: boolean): Token {
    const before = this.#at;
    this.#skipBlank();
    const spaced = this.#at > before;
    const column = this.#at + 1;
    const make = (kind: Token["kind"], text: string, value?: bigint): Token => {
      const token = { kind, text, line: this.#line, column, spaced };
      return value === undefined ? token : { ...token, value };
    };
    const rest = this.#text[this.#at];
    if (rest === undefined || this.#startsComment(spaced || column === 1, semicolonIsComment)) {
      this.#at = this.#text.length;
      return make("end", "");
    }
    if (rest === ";") {
      this.#at++;
      return make("end", ";");
    }
    if (rest === '"') {
      const bytes = this.#string(column);
      return { ...make("string", decodeText(bytes)), bytes };
    }
    const registerName = this.#match(register);
    if (registerName !== undefined) return make("word", registerName.slice(1));
    // Before words: `s>` is an operator, and `s` alone a word.
    const symbol = this.#match(operator);
    if (symbol !== undefined) return make("operator", symbol);
    const name = this.#match(word);
    if (name !== undefined) return make("word", name);
    const digits = this.#match(number);
    if (digits !== undefined) return make("number", digits, this.#number(digits, column));
    throw new AssembleError(`unexpected character ${JSON.stringify(rest)}`, this.#line, column);
  }

  #skipBlank(): void {
    for (;;) {
      if (this.inComment) {
        const close = this.#text.indexOf("*/", this.#at);
        if (close === -1) {
          this.#at = this.#text.length;
          return;
        }
        this.#at = close + 2;
        this.inComment = false;
      }
      this.#match(space);
      if (!this.#text.startsWith("/*", this.#at)) return;
      this.inComment = true;
      this.#at += 2;
    }
  }

  #startsComment(spaced: boolean, semicolonIsComment: boolean): boolean {
    const rest = this.#text[this.#at];
    if (rest === "#") return spaced || !/^#(?:\w|-\d)/.test(this.#text.slice(this.#at, this.#at + 3));
    if (rest === ";") return semicolonIsComment;
    return this.#text.startsWith("//", this.#at);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #number(digits: string, column: number): bigint {
    const following = /[\w.$]/.exec(this.#text[this.#at] ?? "");
    // `1f` and `1b` are a numeric label's next and last place.
    const isLabel = /^[fb]$/.test(following?.[0] ?? "") && !/[\w.$]/.test(this.#text[this.#at + 1] ?? "");
    if (following !== null && !isLabel) {
      throw new AssembleError(`"${digits.slice(0, 20)}${following[0]}" is no number`, this.#line, column);
    }
    if (digits.length > MAX_NUMBER_LENGTH) {
      throw new AssembleError("a number has at most 64 bits", this.#line, column);
    }
    if (/^0\d/.test(digits)) {
      throw new AssembleError(`a leading zero could mean octal: write ${BigInt(digits)}, or 0x...`, this.#line, column);
    }
    return BigInt(digits);
  }

  #string(column: number): Uint8Array {
    const bytes: number[] = [];
    for (this.#at++; this.#at < this.#text.length; ) {
      if (this.#text[this.#at] === '"') {
        this.#at++;
        return Uint8Array.from(bytes);
      }
      const plain = this.#match(plainText);
      if (plain !== undefined) for (const byte of encodeText(plain)) bytes.push(byte);
      else bytes.push(this.#escape());
    }
    throw new AssembleError('a string without its closing "', this.#line, column);
  }

  /** The byte that an escape stands for. */
  #escape(): number {
    const column = this.#at + 1;
    const octal = this.#match(/\\[0-7]{1,3}/y);
    if (octal !== undefined) return Number.parseInt(octal.slice(1), 8) & 0xff;
    const hex = this.#match(/\\x[0-9a-fA-F]{1,2}/y);
    if (hex !== undefined) return Number.parseInt(hex.slice(2), 16);
    const named = { n: 10, t: 9, r: 13, b: 8, f: 12, '"': 34, "\\": 92 }[this.#text[this.#at + 1] ?? ""];
    if (named === undefined) throw new AssembleError("unknown escape in a string", this.#line, column);
    this.#at += 2;
    return named;
  }
}
