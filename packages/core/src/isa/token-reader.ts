import { AssembleError } from "../base/index.js";
import type { Token } from "./lexer.js";

/** Walks over one statement's tokens, and says what was expected where they aren't. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #constants: ReadonlyMap<string, bigint>;
  #at = 0;

  /** `constants` are what words in an expression stand for. */
  constructor(tokens: readonly Token[], constants: ReadonlyMap<string, bigint>) {
    this.#tokens = tokens;
    this.#constants = constants;
  }

  get current(): Token {
    return this.peek(0);
  }

  /** The token `ahead` of the current one; the end, behind the end. */
  peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.current;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  /** Whether the current token is this word or operator. */
  sees(text: string): boolean {
    return (this.current.kind === "word" || this.current.kind === "operator") && this.current.text === text;
  }

  /** Takes the token if it is this word or operator. */
  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#at++;
    return true;
  }

  expect(text: string): Token {
    return this.sees(text) ? this.next() : this.fail(`"${text}"`);
  }

  /** Takes a name. */
  word(what: string): Token {
    return this.current.kind === "word" ? this.next() : this.fail(what);
  }

  expectEnd(): void {
    if (this.current.kind !== "end") this.fail("the end of the statement");
  }

  /** Reports that something else stands here. */
  fail(expected: string, token: Token = this.current): never {
    const found = token.kind === "end" ? "the statement ends" : `found ${describe(token)}`;
    throw new AssembleError(`expected ${expected}, but ${found}`, token.line, token.column);
  }

  /** The constant expression that starts here. */
  expression(what = "a number"): bigint {
    return this.#sum(what, 0);
  }

  /** Whether a constant expression can start here; names count only where they are known. */
  seesExpression(): boolean {
    const { kind, text } = this.current;
    if (kind === "number") return true;
    if (kind === "word") return this.#constants.has(text);
    return kind === "operator" && (text === "-" || text === "+" || text === "~" || text === "(");
  }

  // Left-associative levels of binary operators, loosest first.
  #sum(what: string, level: number): bigint {
    const levels = [["|"], ["&"], ["<<", ">>"], ["+", "-"], ["*"]] as const;
    const operators: readonly string[] | undefined = levels[level];
    if (operators === undefined) return this.#factor(what);
    let value = this.#sum(what, level + 1);
    while (this.current.kind === "operator" && operators.includes(this.current.text)) {
      const operator = this.next();
      value = this.#combine(operator, value, this.#sum(what, level + 1));
    }
    return value;
  }

  #combine(operator: Token, left: bigint, right: bigint): bigint {
    const shift = operator.text === "<<" || operator.text === ">>";
    if (shift && (right < 0n || right > 63n)) {
      throw new AssembleError(`a shift by ${right} is outside 0 to 63`, operator.line, operator.column);
    }
    const value = combine(operator.text, left, right);
    if (value >= 1n << 64n || value < -(1n << 63n)) {
      throw new AssembleError("the expression's value does not fit 64 bits", operator.line, operator.column);
    }
    return value;
  }

  #depth = 0;

  #factor(what: string): bigint {
    const token = this.current;
    if (++this.#depth > 100) throw new AssembleError("an expression nested over 100 deep", token.line, token.column);
    try {
      if (token.kind === "number") {
        if (token.value! >= 1n << 64n)
          throw new AssembleError("a number has at most 64 bits", token.line, token.column);
        this.next();
        return token.value!;
      }
      if (token.kind === "word") {
        const constant = this.#constants.get(token.text);
        if (constant === undefined) return this.fail(what);
        this.next();
        return constant;
      }
      if (this.accept("-")) return this.#combine(token, 0n, this.#factor(what));
      if (this.accept("+")) return this.#factor(what);
      if (this.accept("~")) return ~BigInt.asIntN(64, this.#factor(what));
      if (this.accept("(")) {
        const value = this.#sum(what, 0);
        this.expect(")");
        return value;
      }
      return this.fail(what);
    } finally {
      this.#depth--;
    }
  }
}

function combine(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "<<":
      return left << right;
    case ">>":
      return left >> right;
    case "&":
      return left & right;
    default:
      return left | right;
  }
}

/** A token as an error message names it. */
export function describe(token: Token): string {
  const text = token.text.length > 40 ? `${token.text.slice(0, 40)}...` : token.text;
  return token.kind === "string" ? `the string ${JSON.stringify(text)}` : `"${text}"`;
}
