import { CodeBuffer } from "./code-buffer.js";
import type { AtomicOperator, LoadOperator, Operator, StoreOperator } from "./operators.js";
import type { ValueType } from "./value-type.js";

declare const local: unique symbol;
declare const label: unique symbol;
declare const func: unique symbol;
declare const global: unique symbol;
declare const table: unique symbol;
declare const signature: unique symbol;

/** A parameter or local of one function. */
export type Local = number & { readonly [local]: true };
/** An open block, loop or if of one function: what a branch goes to. */
export type Label = number & { readonly [label]: true };
/** Index of a function, imported or defined. */
export type FunctionIndex = number & { readonly [func]: true };
/** Number of a global of the module. */
export type GlobalIndex = number & { readonly [global]: true };
/** Number of a table of the module. */
export type TableIndex = number & { readonly [table]: true };
/** Index of a function type. */
export type SignatureIndex = number & { readonly [signature]: true };

/** What a block leaves on the stack: nothing, one value, or what a signature says (parameters too). */
export type BlockType = ValueType | { readonly signature: SignatureIndex } | undefined;

const OP_BLOCK = 0x02;
const OP_LOOP = 0x03;
const OP_IF = 0x04;

/**
 * The body of one function, encoded as it is written: every method appends its instruction's bytes and nothing else is
 * kept, so a function of a million instructions costs what its bytes cost.
 *
 *     const f = module.function("sum", { from: I32, to: I32 }, [I32]);
 *     const total = f.local(I32);
 *     f.block((done) => {
 *       f.loop((next) => {
 *         f.get(f.params.from).get(f.params.to).op(i32.ge_u).brIf(done);
 *         f.get(total).get(f.params.from).load(i32.load8_u).op(i32.add).set(total);
 *         f.get(f.params.from).i32(1).op(i32.add).set(f.params.from).br(next);
 *       });
 *     });
 *     f.get(total);
 *
 * Control flow is written with bodies as callbacks, or opened and closed step by step (`openBlock` ... `end`) where a
 * generator does not nest like its output. Types are not checked here: the engine's validator does that, and names the
 * function.
 */
export class FunctionBuilder<Name extends string = string> {
  readonly index: FunctionIndex;
  readonly name: string;
  readonly params: { readonly [Parameter in Name]: Local };
  readonly #code = new CodeBuffer();
  // Runs of locals of one type, as the format declares them.
  readonly #localTypes: ValueType[] = [];
  readonly #localRuns: number[] = [];
  readonly #localNames = new Map<number, string>();
  #localCount: number;
  #height = 0;

  constructor(index: FunctionIndex, name: string, parameters: readonly Name[]) {
    this.index = index;
    this.name = name;
    const params = {} as Record<Name, Local>;
    parameters.forEach((parameter, at) => {
      params[parameter] = at as Local;
      this.#localNames.set(at, parameter);
    });
    this.params = params;
    this.#localCount = parameters.length;
  }

  /** Bytes of code so far, which is where the next instruction starts. */
  get length(): number {
    return this.#code.length;
  }

  /** Parameters and locals so far. */
  get localCount(): number {
    return this.#localCount;
  }

  /** A new local, zero at entry. Its name goes to the name section. */
  local(type: ValueType, name?: string): Local {
    const last = this.#localTypes.length - 1;
    if (last >= 0 && this.#localTypes[last] === type) this.#localRuns[last]!++;
    else {
      this.#localTypes.push(type);
      this.#localRuns.push(1);
    }
    if (name !== undefined) this.#localNames.set(this.#localCount, name);
    return this.#localCount++ as Local;
  }

  get(local: Local): this {
    this.#code.u8(0x20);
    this.#code.u32(local);
    return this;
  }

  set(local: Local): this {
    this.#code.u8(0x21);
    this.#code.u32(local);
    return this;
  }

  /** Sets and keeps the value on the stack. */
  tee(local: Local): this {
    this.#code.u8(0x22);
    this.#code.u32(local);
    return this;
  }

  globalGet(global: GlobalIndex): this {
    this.#code.u8(0x23);
    this.#code.u32(global);
    return this;
  }

  globalSet(global: GlobalIndex): this {
    this.#code.u8(0x24);
    this.#code.u32(global);
    return this;
  }

  i32(value: number): this {
    this.#code.u8(0x41);
    this.#code.i32(value);
    return this;
  }

  /** A 64-bit constant of two 32-bit halves; without `high` it is `low`, sign-extended. */
  i64(low: number, high: number = low >> 31): this {
    this.#code.u8(0x42);
    this.#code.i64(low | 0, high | 0);
    return this;
  }

  op(operator: Operator): this {
    this.#code.u8(operator);
    return this;
  }

  /** `offset` is added to the popped address without wrapping, from 0 to 2^32 - 1 bytes. */
  load(operator: LoadOperator, offset = 0): this {
    return this.#access(operator, offset);
  }

  /** Pops the value, then the address; `offset` as for {@link load}. */
  store(operator: StoreOperator, offset = 0): this {
    return this.#access(operator, offset);
  }

  atomic(operator: AtomicOperator, offset = 0): this {
    this.#code.u8(0xfe);
    return this.#access(operator, offset);
  }

  atomicFence(): this {
    this.#code.u8(0xfe);
    this.#code.u8(0x03);
    this.#code.u8(0x00);
    return this;
  }

  /** Pops length, source and destination address; the ranges may overlap. */
  memoryCopy(): this {
    this.#code.u8(0xfc);
    this.#code.u8(0x0a);
    this.#code.u8(0x00);
    this.#code.u8(0x00);
    return this;
  }

  /** Pops length, byte and address. */
  memoryFill(): this {
    this.#code.u8(0xfc);
    this.#code.u8(0x0b);
    this.#code.u8(0x00);
    return this;
  }

  /** Pages of 64 KiB. */
  memorySize(): this {
    this.#code.u8(0x3f);
    this.#code.u8(0x00);
    return this;
  }

  block(body: (end: Label) => void, type?: BlockType): this {
    body(this.openBlock(type));
    return this.end();
  }

  /** The label is the loop's start: branching to it goes round again, falling out of the body ends it. */
  loop(body: (start: Label) => void, type?: BlockType): this {
    body(this.openLoop(type));
    return this.end();
  }

  /** Pops the condition. */
  if(then: (end: Label) => void, otherwise?: (end: Label) => void, type?: BlockType): this {
    const end = this.openIf(type);
    then(end);
    if (otherwise !== undefined) {
      this.else();
      otherwise(end);
    }
    return this.end();
  }

  openBlock(type?: BlockType): Label {
    return this.#open(OP_BLOCK, type);
  }

  openLoop(type?: BlockType): Label {
    return this.#open(OP_LOOP, type);
  }

  openIf(type?: BlockType): Label {
    return this.#open(OP_IF, type);
  }

  else(): this {
    this.#code.u8(0x05);
    return this;
  }

  /** Closes the innermost open block. */
  end(): this {
    if (this.#height === 0) throw new RangeError(`no block is open in ${this.name}`);
    this.#height--;
    this.#code.u8(0x0b);
    return this;
  }

  br(label: Label): this {
    this.#code.u8(0x0c);
    this.#code.u32(this.#depth(label));
    return this;
  }

  brIf(label: Label): this {
    this.#code.u8(0x0d);
    this.#code.u32(this.#depth(label));
    return this;
  }

  /** Pops an index into `labels`; one that is out of range goes to `otherwise`. */
  brTable(labels: ArrayLike<Label>, otherwise: Label): this {
    this.#code.u8(0x0e);
    this.#code.u32(labels.length);
    for (let at = 0; at < labels.length; at++) this.#code.u32(this.#depth(labels[at]!));
    this.#code.u32(this.#depth(otherwise));
    return this;
  }

  return(): this {
    this.#code.u8(0x0f);
    return this;
  }

  unreachable(): this {
    this.#code.u8(0x00);
    return this;
  }

  nop(): this {
    this.#code.u8(0x01);
    return this;
  }

  drop(): this {
    this.#code.u8(0x1a);
    return this;
  }

  /** Pops a condition, then two values of one type: keeps the deeper one if the condition is not 0. */
  select(): this {
    this.#code.u8(0x1b);
    return this;
  }

  call(callee: FunctionIndex | FunctionBuilder): this {
    this.#code.u8(0x10);
    this.#code.u32(typeof callee === "number" ? callee : callee.index);
    return this;
  }

  /** Pops an index into `table`, then the arguments. */
  callIndirect(signature: SignatureIndex, table: TableIndex): this {
    this.#code.u8(0x11);
    this.#code.u32(signature);
    this.#code.u32(table);
    return this;
  }

  /** A tail call; needs an engine where `wasmFeatures().tailCalls` holds. */
  returnCall(callee: FunctionIndex | FunctionBuilder): this {
    this.#code.u8(0x12);
    this.#code.u32(typeof callee === "number" ? callee : callee.index);
    return this;
  }

  /** As {@link returnCall}, through a table. */
  returnCallIndirect(signature: SignatureIndex, table: TableIndex): this {
    this.#code.u8(0x13);
    this.#code.u32(signature);
    this.#code.u32(table);
    return this;
  }

  /** Bytes of code so far. */
  get size(): number {
    return this.#code.length;
  }

  /** A copy of the code so far. */
  get code(): Uint8Array<ArrayBuffer> {
    return this.#code.written().slice();
  }

  /** @internal Locals' names by index, for the name section. */
  localNames(): ReadonlyMap<number, string> {
    return this.#localNames;
  }

  /** @internal Appends the function's entry of the code section. */
  encodeInto(section: CodeBuffer): void {
    if (this.#height !== 0) throw new RangeError(`${this.#height} blocks are still open in ${this.name}`);
    const declarations = new CodeBuffer();
    declarations.u32(this.#localTypes.length);
    this.#localTypes.forEach((type, run) => {
      declarations.u32(this.#localRuns[run]!);
      declarations.u8(type);
    });
    section.u32(declarations.length + this.#code.length + 1);
    section.raw(declarations.written());
    section.raw(this.#code.written());
    section.u8(0x0b);
  }

  #access(operator: number, offset: number): this {
    this.#code.u8(operator & 0xff);
    this.#code.u8(operator >> 16);
    this.#code.u32(offset);
    return this;
  }

  #open(opcode: number, type: BlockType): Label {
    this.#code.u8(opcode);
    if (type === undefined) this.#code.u8(0x40);
    else if (typeof type === "number") this.#code.u8(type);
    else this.#code.i32(type.signature);
    return this.#height++ as Label;
  }

  #depth(label: Label): number {
    if (label >= this.#height) throw new RangeError(`branch to a closed block in ${this.name}`);
    return this.#height - 1 - label;
  }
}
