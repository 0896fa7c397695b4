import type { RegionCheck } from "../runtime/index.js";
import { area, STACK_SIZE } from "../runtime/index.js";
import {
  type FunctionBuilder,
  type FunctionIndex,
  I32,
  type I64,
  i32,
  i64,
  type Label,
  type Local,
  type SignatureIndex,
  type TableIndex,
} from "../wasm/index.js";
import { RECORD_SIZE, record } from "./record.js";

/** The generated loop's parameters: the execution area, and the record before the one to start with. */
export type LoopFunction = FunctionBuilder<"area" | "pc" | "steps">;

/** What generated code calls. */
export interface LoopImports {
  readonly checkAccess: RegionCheck;
  /** (skb, offset, size) -> 1 with the bytes in r0, or 0. See `PacketLoader`. */
  readonly loadPacket: FunctionIndex;
  /** (area, low, high) -> entry of the function that a callx goes to, or 0 after it called a helper. */
  readonly callRegister: FunctionIndex;
  /** (record): `Runtime.tailCallDeeper`. */
  readonly tailCallDeeper: FunctionIndex;
  /** (status): ends the run, see `Runtime.abort`. */
  readonly abort: FunctionIndex;
  readonly helpers: TableIndex;
  readonly kfuncs: TableIndex;
  /** `ProgramEntries.table`: where tail calls to programs go that the interpreter doesn't run. */
  readonly programs: TableIndex;
  /** Of its functions. */
  readonly programSignature: SignatureIndex;
  /** Five i32s to one. */
  readonly helperSignature: SignatureIndex;
}

/** Where handlers go on. */
export interface LoopLabels {
  /** The record after `pc`. */
  readonly next: Label;
  /** The jump that the current record describes is taken. */
  readonly taken: Label;
  /** What `exit` does. */
  readonly leave: Label;
  /** The run stops before the current record; it can go on. */
  readonly stopped: Label;
  /** The access isn't allowed, and the area says why. */
  readonly denied: Label;
  /** The run ends with the fault that the area holds. */
  readonly fault: Label;
  /** The run ends because its budget is used up. */
  readonly exhausted: Label;
}

/**
 * What every handler of the interpreter loop is written with. Locals of the loop:
 *
 * - `pc`: address of the current record.
 * - `balance`: what is left of the budget, in bytes of records, plus `pc`. Straight-line code thus pays by `pc` growing,
 *   and a jump adds to `balance` what it adds to `pc`.
 * - `stack`: lowest address of the current frame's stack.
 */
export class Emitter {
  readonly f: LoopFunction;
  readonly imports: LoopImports;
  readonly labels: LoopLabels;
  readonly area: Local;
  readonly pc: Local;
  readonly balance: Local;
  readonly stack: Local;
  readonly address: Local;
  readonly #scratch = new Map<string, Local>();

  constructor(
    f: LoopFunction,
    imports: LoopImports,
    labels: LoopLabels,
    locals: { balance: Local; stack: Local; address: Local },
  ) {
    this.f = f;
    this.imports = imports;
    this.labels = labels;
    this.area = f.params.area;
    this.pc = f.params.pc;
    this.balance = locals.balance;
    this.stack = locals.stack;
    this.address = locals.address;
  }

  /** A local for use within one handler; handlers share them by name. */
  scratch(type: typeof I32 | typeof I64, name: string): Local {
    const key = `${name}${type === I32 ? 32 : 64}`;
    const known = this.#scratch.get(key);
    if (known !== undefined) return known;
    const local = this.f.local(type, key);
    this.#scratch.set(key, local);
    return local;
  }

  /** Pushes the address of register dst. */
  dstAddress(): LoopFunction {
    return this.f.get(this.area).get(this.pc).load(i32.load8_u, record.dst).op(i32.add);
  }

  srcAddress(): LoopFunction {
    return this.f.get(this.area).get(this.pc).load(i32.load8_u, record.src).op(i32.add);
  }

  /** Pushes 32 or 64 bits of dst. */
  dst(width: 32 | 64): LoopFunction {
    return this.dstAddress().load(width === 32 ? i32.load : i64.load);
  }

  src(width: 32 | 64): LoopFunction {
    return this.srcAddress().load(width === 32 ? i32.load : i64.load);
  }

  immediate(width: 32 | 64): LoopFunction {
    return this.f.get(this.pc).load(width === 32 ? i32.load : i64.load, record.immediate);
  }

  /** Pushes the second operand. */
  source(source: "imm" | "reg", width: 32 | 64): LoopFunction {
    return source === "imm" ? this.immediate(width) : this.src(width);
  }

  operand(): LoopFunction {
    return this.f.get(this.pc).load(i32.load, record.operand);
  }

  /** Pushes 64 bits of a register that the handler knows. */
  register(index: number): LoopFunction {
    return this.f.get(this.area).load(i64.load, area.registers + index * 8);
  }

  /** Sets a register to what `push` leaves (64 bits). */
  setRegister(index: number, push: () => void): void {
    this.f.get(this.area);
    push();
    this.f.store(i64.store, area.registers + index * 8);
  }

  /** Goes on after the record that the i32 `target` holds, charging the current one. */
  moveTo(target: Local): void {
    const { f } = this;
    f.get(this.balance).get(target).op(i64.extend_i32_u).op(i64.add);
    f.get(this.pc).op(i64.extend_i32_u).op(i64.sub).set(this.balance);
    f.get(target).set(this.pc);
  }

  /** Leaves the run when what is left after the current record is less than nothing. */
  testBudget(): void {
    const { f } = this;
    f.get(this.balance).get(this.pc).op(i64.extend_i32_u).i64(RECORD_SIZE).op(i64.add).op(i64.lt_s);
    f.brIf(this.labels.exhausted);
  }

  /** Writes position and budget to the area, where helpers, nested runs and results find them. */
  saveState(): void {
    const { f } = this;
    f.get(this.area).get(this.pc).store(i32.store, area.position);
    f.get(this.area);
    this.left().store(i64.store, area.budget);
  }

  /** Pushes what is left of the budget after the current record. */
  left(): LoopFunction {
    const { f } = this;
    f.get(this.balance).get(this.pc).op(i64.extend_i32_u).i64(RECORD_SIZE).op(i64.add).op(i64.sub);
    return f.i64(4).op(i64.shr_s);
  }

  /** After foreign code ran: it may have spent budget and moved memory. */
  restoreState(): void {
    const { f } = this;
    f.get(this.area).load(i64.load, area.budget).i64(4).op(i64.shl);
    f.get(this.pc).op(i64.extend_i32_u).i64(RECORD_SIZE).op(i64.add).op(i64.add).set(this.balance);
    this.clearWindow();
  }

  clearWindow(): void {
    this.f.get(this.area).i64(0).store(i64.store, area.windowReadLimit);
    this.f.get(this.area).i64(0).store(i64.store, area.windowWriteLimit);
  }

  /** Puts `register + operand` into `address`, checks it for an access of `size` bytes, and pushes it as an i32. */
  checkedAddress(base: "dst" | "src", size: number, write: boolean): void {
    const { f } = this;
    (base === "dst" ? this.dst(64) : this.src(64)).get(this.pc).load(i64.load32_s, record.operand).op(i64.add);
    f.set(this.address);
    f.block((ok) => {
      f.get(this.address).get(this.stack).op(i64.sub);
      f.i64(STACK_SIZE - size + 1)
        .op(i64.lt_u)
        .brIf(ok);
      f.get(this.address).get(this.area).load(i64.load, area.windowStart).op(i64.sub);
      f.get(this.area)
        .load(i64.load, write ? area.windowWriteLimit : area.windowReadLimit)
        .op(i64.lt_u)
        .brIf(ok);
      f.get(this.area)
        .get(this.address)
        .i32(size)
        .i32(write ? 1 : 0)
        .call(this.imports.checkAccess);
      f.op(i32.eqz).brIf(this.labels.denied);
    });
    f.get(this.address).op(i32.wrap_i64);
  }

  /** Ends the run with a fault of this reason. */
  fault(reason: number): void {
    this.f.get(this.area).i32(reason).store(i32.store, area.faultReason);
    this.f.br(this.labels.fault);
  }

  /** Pops a result and the register address below it; 32-bit results are zero-extended. */
  storeResult(width: 32 | 64): void {
    if (width === 32) this.f.op(i64.extend_i32_u);
    this.f.store(i64.store);
  }
}

/** One operation of the interpreter: a name that predecoding looks up, and the code of its handler. */
export interface Operation {
  readonly name: string;
  /** Emits the handler; where it ends without branching, the next record follows. */
  readonly emit: (e: Emitter) => void;
}
