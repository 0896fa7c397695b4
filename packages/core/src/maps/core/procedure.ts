import {
  type FunctionBuilder,
  type FunctionIndex,
  I32,
  I64,
  i32,
  i64,
  type Label,
  type ModuleBuilder,
  type StoreOperator,
} from "../../wasm/index.js";
import { type Code, Expression, type NumberType, type Operand, pushOperand, Variable } from "./expression.js";

/** Ends or repeats the loop that it was given for, from anywhere inside of it. */
export interface LoopControl {
  /** Leaves the loop. */
  leave(): void;
  /** Goes to the loop's next round. */
  repeat(): void;
}

/**
 * A function of the map core while its statements are being written. All parameters and the result are i32: addresses,
 * sizes, flags; results are addresses or negative error numbers.
 */
export class Procedure<Name extends string = string> {
  readonly code: Code;
  readonly index: FunctionIndex;
  readonly params: { readonly [Parameter in Name]: Variable };

  constructor(code: FunctionBuilder<Name>) {
    this.code = code as unknown as Code;
    this.index = code.index;
    const params = {} as Record<Name, Variable>;
    for (const [name, local] of Object.entries(code.params)) {
      params[name as Name] = new Variable(I32, local as never);
    }
    this.params = params;
  }

  /** A new variable with a value. Inside of a loop it is set again in each round. */
  let(name: string, value: Operand, type: NumberType = typeof value === "number" ? I32 : value.type): Variable {
    const variable = new Variable(type, this.code.local(type, name));
    this.set(variable, value);
    return variable;
  }

  set(variable: Variable, value: Operand): void {
    pushOperand(this.code, value, variable.type);
    this.code.set(variable.local);
  }

  /** Adds to a variable. */
  add(variable: Variable, amount: Operand): void {
    this.set(variable, variable.add(amount));
  }

  store8(address: Expression, offset: number, value: Operand): void {
    this.#store(I32, i32.store8, address, offset, value);
  }

  store16(address: Expression, offset: number, value: Operand): void {
    this.#store(I32, i32.store16, address, offset, value);
  }

  store32(address: Expression, offset: number, value: Operand): void {
    this.#store(I32, i32.store, address, offset, value);
  }

  store64(address: Expression, offset: number, value: Operand): void {
    this.#store(I64, i64.store, address, offset, value);
  }

  /** Adds to a u32 in memory. */
  add32(address: Expression, offset: number, amount: Operand): void {
    this.store32(address, offset, address.u32(offset).add(amount));
  }

  copy(to: Expression, from: Expression, length: Operand): void {
    to.push(this.code);
    from.push(this.code);
    pushOperand(this.code, length, I32);
    this.code.memoryCopy();
  }

  zero(address: Expression, length: Operand): void {
    address.push(this.code);
    this.code.i32(0);
    pushOperand(this.code, length, I32);
    this.code.memoryFill();
  }

  if(condition: Expression, then: () => void, otherwise?: () => void): void {
    condition.push(this.code);
    this.code.if(() => then(), otherwise && (() => otherwise()));
  }

  /** Repeats its body until something leaves it. */
  loop(body: (control: LoopControl) => void): void {
    this.code.block((done) => {
      this.code.loop((again) => {
        body({ leave: () => void this.code.br(done), repeat: () => void this.code.br(again) });
        this.code.br(again);
      });
    });
  }

  /** Statements that can be left early. */
  block(body: (leave: () => void) => void): void {
    this.code.block((done) => body(() => void this.code.br(done)));
  }

  /** The case whose number `value` is, each ending the procedure or falling out of the whole switch. */
  switch(value: Expression, cases: ReadonlyMap<number, () => void>): void {
    const numbers = [...cases.keys()].sort((a, b) => a - b);
    const ends: Label[] = [];
    const outer = this.code.openBlock();
    for (const _ of numbers) ends.push(this.code.openBlock());
    ends.reverse();
    value.push(this.code);
    const table = Array.from({ length: numbers.at(-1)! + 1 }, (_, at) => ends[numbers.indexOf(at)] ?? outer);
    this.code.brTable(table, outer);
    for (const number of numbers) {
      this.code.end();
      cases.get(number)!();
      this.code.br(outer);
    }
    this.code.end();
  }

  return(value: Operand): void {
    pushOperand(this.code, value, I32);
    this.code.return();
  }

  /** A call as an expression; each use calls. */
  call(callee: Callable, ...args: Operand[]): Expression {
    return new Expression(I32, (code) => {
      for (const arg of args) pushOperand(code, arg, I32);
      code.call(callee.index);
    });
  }

  /** Evaluates for its effect. */
  do(expression: Expression): void {
    expression.push(this.code);
    this.code.drop();
  }

  #store(type: NumberType, operator: StoreOperator, address: Expression, offset: number, value: Operand): void {
    address.push(this.code);
    pushOperand(this.code, value, type);
    this.code.store(operator, offset);
  }
}

/** Something to call: a {@link Procedure}, or an imported function. */
export interface Callable {
  readonly index: FunctionIndex;
}

/** Writes one function of i32s to an i32. A body that ends without a return traps, which is a bug of the map core. */
export function defineProcedure<Name extends string>(
  module: ModuleBuilder,
  name: string,
  parameters: readonly Name[],
  body: (procedure: Procedure<Name>) => void,
): Procedure<Name> {
  const types = Object.fromEntries(parameters.map((parameter) => [parameter, I32])) as { [P in Name]: typeof I32 };
  const code = module.function(name, types, [I32]);
  const procedure = new Procedure(code);
  body(procedure);
  code.unreachable();
  return procedure;
}
