import {
  type FunctionBuilder,
  type GlobalIndex,
  I32,
  I64,
  i32,
  i64,
  type LoadOperator,
  type Local,
  type Operator,
} from "../../wasm/index.js";

// The map core is written as expressions and statements rather than as a stack machine's instructions: `a.add(b)` instead
// of `get a, get b, i32.add`. An expression is the code that pushes its value; nothing is evaluated before it is used.

export type NumberType = typeof I32 | typeof I64;
/** Where a function's name for its parameters doesn't matter. */
export type Code = FunctionBuilder<string>;
/** A number stands for a constant of the other operand's type. */
export type Operand = Expression | number;

type BinaryName = "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr_u" | "rotl";
type CompareName = "eq" | "ne" | "lt_u" | "gt_u" | "le_u" | "ge_u";

/** Code that pushes one value. Used twice, it runs twice: keep what is dear in a {@link Variable}. */
export class Expression {
  readonly type: NumberType;
  readonly push: (code: Code) => void;

  constructor(type: NumberType, push: (code: Code) => void) {
    this.type = type;
    this.push = push;
  }

  add(other: Operand): Expression {
    return this.#binary("add", other);
  }

  sub(other: Operand): Expression {
    return this.#binary("sub", other);
  }

  mul(other: Operand): Expression {
    return this.#binary("mul", other);
  }

  and(other: Operand): Expression {
    return this.#binary("and", other);
  }

  or(other: Operand): Expression {
    return this.#binary("or", other);
  }

  xor(other: Operand): Expression {
    return this.#binary("xor", other);
  }

  /** Shift counts are taken modulo the width. */
  shl(count: Operand): Expression {
    return this.#binary("shl", count);
  }

  /** Logical: zeroes come in. */
  shr(count: Operand): Expression {
    return this.#binary("shr_u", count);
  }

  rotl(count: Operand): Expression {
    return this.#binary("rotl", count);
  }

  eq(other: Operand): Expression {
    return this.#compare("eq", other);
  }

  ne(other: Operand): Expression {
    return this.#compare("ne", other);
  }

  /** Comparisons are unsigned. */
  lt(other: Operand): Expression {
    return this.#compare("lt_u", other);
  }

  gt(other: Operand): Expression {
    return this.#compare("gt_u", other);
  }

  le(other: Operand): Expression {
    return this.#compare("le_u", other);
  }

  ge(other: Operand): Expression {
    return this.#compare("ge_u", other);
  }

  /** 1 where the value is 0. */
  isZero(): Expression {
    const operator = this.type === I32 ? i32.eqz : i64.eqz;
    return new Expression(I32, (code) => {
      this.push(code);
      code.op(operator);
    });
  }

  /** Leading zero bits, of the same type. */
  leadingZeros(): Expression {
    const operator = this.type === I32 ? i32.clz : i64.clz;
    return new Expression(this.type, (code) => {
      this.push(code);
      code.op(operator);
    });
  }

  /** An i64's low half. */
  low(): Expression {
    return this.#convert(I32, i32.wrap_i64);
  }

  /** An i32 with zeroes above. */
  wide(): Expression {
    return this.#convert(I64, i64.extend_i32_u);
  }

  /** Little-endian loads from this address plus `offset` bytes; they need no alignment. */
  u8(offset = 0): Expression {
    return this.#load(I32, i32.load8_u, offset);
  }

  u16(offset = 0): Expression {
    return this.#load(I32, i32.load16_u, offset);
  }

  u32(offset = 0): Expression {
    return this.#load(I32, i32.load, offset);
  }

  u64(offset = 0): Expression {
    return this.#load(I64, i64.load, offset);
  }

  /** Four bytes into an i64. */
  u32wide(offset = 0): Expression {
    return this.#load(I64, i64.load32_u, offset);
  }

  #binary(name: BinaryName, other: Operand): Expression {
    return binary(this.type, this.type === I32 ? i32[name] : i64[name], this, other);
  }

  #compare(name: CompareName, other: Operand): Expression {
    return binary(I32, this.type === I32 ? i32[name] : i64[name], this, other);
  }

  #convert(type: NumberType, operator: Operator): Expression {
    return new Expression(type, (code) => {
      this.push(code);
      code.op(operator);
    });
  }

  #load(type: NumberType, operator: LoadOperator, offset: number): Expression {
    return new Expression(type, (code) => {
      this.push(code);
      code.load(operator, offset);
    });
  }
}

/** A local variable or parameter. */
export class Variable extends Expression {
  readonly local: Local;

  constructor(type: NumberType, local: Local) {
    super(type, (code) => {
      code.get(local);
    });
    this.local = local;
  }
}

export function constant(value: number, type: NumberType = I32): Expression {
  return new Expression(type, (code) => {
    if (type === I32) code.i32(value);
    else code.i64(value);
  });
}

/** A 64-bit constant of two halves. */
export function constant64(low: number, high: number): Expression {
  return new Expression(I64, (code) => {
    code.i64(low, high);
  });
}

export function globalValue(global: GlobalIndex): Expression {
  return new Expression(I32, (code) => {
    code.globalGet(global);
  });
}

/** `yes` where the condition is not 0; both are evaluated. */
export function select(condition: Expression, yes: Expression, no: Expression): Expression {
  return new Expression(yes.type, (code) => {
    yes.push(code);
    no.push(code);
    condition.push(code);
    code.select();
  });
}

export function pushOperand(code: Code, operand: Operand, type: NumberType): void {
  (typeof operand === "number" ? constant(operand, type) : operand).push(code);
}

function binary(type: NumberType, operator: Operator, left: Expression, right: Operand): Expression {
  return new Expression(type, (code) => {
    left.push(code);
    pushOperand(code, right, left.type);
    code.op(operator);
  });
}
