import { AREA_ALIGNMENT, area, FRAME_SIZE, RUN_FAULT, STACK_SIZE } from "../runtime/index.js";
import { type FunctionBuilder, I32, I64, i32, i64, type Local, type ValueType } from "../wasm/index.js";
import type { Charges } from "./charges.js";
import type { FlowGraph } from "./flow-graph.js";
import type { ModuleFunction, ModuleParts } from "./module-parts.js";

/** Parameters that every function has: address of its frame, and slots left of the budget at its entry. */
export const FRAME: Local = 0 as Local;
export const BALANCE: Local = 1 as Local;
const FIRST_REGISTER_PARAMETER = 2;

/** r10. */
export const FRAME_POINTER = 10;

/**
 * One function on its way to WebAssembly. Its locals are the frame (lowest address of its stack), the balance of the
 * budget (see charges.ts) and a 64-bit one for each register.
 */
export class Translation {
  readonly f: FunctionBuilder;
  readonly parts: ModuleParts;
  readonly graph: FlowGraph;
  readonly charges: Charges;
  /** First slot of the function. */
  readonly entry: number;
  readonly #registers: (Local | undefined)[] = new Array<Local | undefined>(10).fill(undefined);
  readonly #scratch = new Map<string, Local>();
  /** The block and slot being translated. */
  #block = 0;
  slot = 0;

  constructor(parts: ModuleParts, { builder, parameters, graph, entry }: ModuleFunction, charges: Charges) {
    this.f = builder;
    this.parts = parts;
    this.graph = graph;
    this.entry = entry;
    this.charges = charges;
    parameters.forEach((register, index) => {
      this.#registers[register] = (FIRST_REGISTER_PARAMETER + index) as Local;
    });
    if (parts.checked) for (let register = 0; register < 10; register++) this.register(register);
  }

  /** Moves to an instruction. */
  at(block: number, slot: number): void {
    this.#block = block;
    this.slot = slot;
    this.parts.marks?.mark(this.f, slot);
  }

  /** The local of r0 to r9. */
  register(register: number): Local {
    let local = this.#registers[register];
    if (local === undefined) {
      local = this.f.local(I64, `r${register}`);
      this.#registers[register] = local;
    }
    return local;
  }

  /** A local for use within one instruction; instructions share them by name. */
  scratch(type: ValueType, name: string): Local {
    const key = `${name}${type === I32 ? 32 : 64}`;
    let local = this.#scratch.get(key);
    if (local === undefined) {
      local = this.f.local(type, key);
      this.#scratch.set(key, local);
    }
    return local;
  }

  /** Pushes 32 or 64 bits of a register. */
  get(register: number, width: 32 | 64): FunctionBuilder {
    const { f } = this;
    if (register === FRAME_POINTER) {
      f.get(FRAME).i32(STACK_SIZE).op(i32.add);
      return width === 32 ? f : f.op(i64.extend_i32_u);
    }
    f.get(this.register(register));
    return width === 32 ? f.op(i32.wrap_i64) : f;
  }

  /** Pops a register's new value; 32-bit ones are zero-extended. */
  set(register: number, width: 32 | 64): void {
    if (width === 32) this.f.op(i64.extend_i32_u);
    this.f.set(this.register(register));
  }

  /** Pushes the address of the execution area. */
  area(): FunctionBuilder {
    return this.f.get(FRAME).i32(-AREA_ALIGNMENT).op(i32.and);
  }

  /** Slots that were taken from the balance once the instruction has been carried out. */
  get spent(): number {
    if (!this.charges.counted) return 0;
    return this.charges.paid[this.#block]! + this.slot + this.#size() - this.graph.start[this.#block]!;
  }

  /** Pushes what is left of the budget after the instruction. */
  left(): FunctionBuilder {
    const { f, spent } = this;
    f.get(BALANCE);
    return spent === 0 ? f : f.i64(spent).op(i64.sub);
  }

  /** Pops what is left of the budget after the instruction. */
  setLeft(): void {
    const { f, spent } = this;
    if (spent !== 0) f.i64(spent).op(i64.add);
    f.set(BALANCE);
  }

  /** Ends the run when less than nothing is left of the budget after the instruction. */
  testBudget(): void {
    const { f } = this;
    if (!this.charges.counted) return;
    f.get(BALANCE).i64(this.spent).op(i64.lt_s);
    f.if(() => {
      f.get(FRAME).i32(this.slot);
      this.left().call(this.parts.exhausted).unreachable();
    });
  }

  /** Writes all that others may want to know of the run to the area: registers, position, budget, depth. */
  spill(): void {
    const { f } = this;
    f.get(FRAME).i32(this.slot);
    this.left();
    for (let register = 0; register < 10; register++) {
      const local = this.#registers[register];
      if (local === undefined) f.i64(0);
      else f.get(local);
    }
    f.call(this.parts.spill);
  }

  /** After foreign code ran: it may have spent budget, changed registers and moved memory. */
  reload(): void {
    if (this.charges.counted) {
      this.area().load(i64.load, area.budget);
      this.setLeft();
    }
    if (!this.parts.checked) return;
    this.reloadRegisters(0, 5);
    this.clearWindow();
  }

  reloadRegisters(from: number, to: number): void {
    for (let register = from; register <= to; register++) {
      this.area().load(i64.load, area.registers + register * 8);
      this.f.set(this.register(register));
    }
  }

  clearWindow(): void {
    this.area().i64(0).store(i64.store, area.windowReadLimit);
    this.area().i64(0).store(i64.store, area.windowWriteLimit);
  }

  /** Ends the run with a fault; without a reason, with the one that the area holds already. */
  fault(reason?: number): void {
    if (reason !== undefined) this.area().i32(reason).store(i32.store, area.faultReason);
    this.spill();
    this.f.i32(RUN_FAULT).call(this.parts.imports.abort).unreachable();
  }

  /** Writes the current depth, which follows from the frame. */
  writeDepth(): void {
    this.area();
    emitDepth(this.f, FRAME).store(i32.store, area.depth);
  }

  #size(): number {
    return this.parts.program.rows[this.slot]?.kind === "load_imm64" ? 2 : 1;
  }
}

/** Pushes a frame's index. */
export function emitDepth(f: FunctionBuilder, frame: Local): FunctionBuilder {
  return f
    .get(frame)
    .i32(AREA_ALIGNMENT - 1)
    .op(i32.and)
    .i32(area.frames)
    .op(i32.sub)
    .i32(Math.log2(FRAME_SIZE))
    .op(i32.shr_u);
}
