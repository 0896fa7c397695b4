import {
  area,
  defineRegionCheck,
  FAULT_CALL_DEPTH,
  FRAME_SIZE,
  MAX_CALL_FRAMES,
  programRecord,
  RUN_BUDGET,
  RUN_EXIT,
  RUN_FAULT,
  RUN_STOPPED,
  STACK_SIZE,
} from "../runtime/index.js";
import { I32, I64, i32, i64, type Label, type LinearMemory, ModuleBuilder, type WasmFunction } from "../wasm/index.js";
import { emitLeave, popFrame, pushFrame, startMayGoto } from "./calls.js";
import { Emitter, type LoopFunction, type LoopImports } from "./emitter.js";
import { operations } from "./operations.js";
import { defineEnter } from "./program-entry.js";
import { RECORD_GUARDED, RECORD_LOADS, RECORD_SIZE, record } from "./record.js";

/** The generated loop, instantiated for one runtime. */
export interface InterpreterLoop {
  readonly execute: WasmFunction;
  readonly invoke: WasmFunction;
  readonly resume: WasmFunction;
  /** For {@link programEntry}; JavaScript can't call it. */
  readonly enter: unknown;
}

/**
 * Generates the interpreter: a loop over predecoded records (record.ts) that dispatches with one `br_table`. Exports:
 *
 * - `execute(area, context)`: a program from its start, which `area.program` names.
 * - `invoke(area, entry, a1 ... a5)`: one function, a frame deeper.
 * - `resume(area, pc, steps)`: from the record after `pc`.
 * - `enter(frame, left, r1, record) -> (r0, left)`: a program that another engine's tail called.
 *
 * The others return a run status.
 *
 * @param stepping whether `steps` counts: the run stops after as many instructions, and `execute` before the first.
 * Otherwise `steps` is ignored.
 * @param memory what it runs on
 */
export function generateInterpreter(stepping: boolean, memory: LinearMemory["limits"]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(stepping ? "bpf stepper" : "bpf interpreter");
  const imports = declareImports(module, memory);
  const loop = module.function("run", { area: I32, pc: I32, steps: I32 }, [I32]);
  emitLoop(loop, imports, stepping);
  module.exportFunction("resume", loop);
  defineExecute(module, loop);
  defineInvoke(module, loop);
  defineEnter(module, imports, loop);
  return module.finish();
}

function declareImports(module: ModuleBuilder, memory: LinearMemory["limits"]): LoopImports {
  module.importMemory("env", "memory", memory);
  const loadPacket = module.importFunction("env", "loadPacket", [I32, I32, I32], [I32]);
  const callRegister = module.importFunction("env", "callRegister", [I32, I32, I32], [I32]);
  const tailCallDeeper = module.importFunction("env", "tailCallDeeper", [I32], []);
  const abort = module.importFunction("env", "abort", [I32], []);
  const regions = module.importGlobal("env", "regions", I32);
  return {
    checkAccess: defineRegionCheck(module, regions),
    loadPacket,
    callRegister,
    tailCallDeeper,
    abort,
    helpers: module.importTable("env", "helpers", { minimum: 0 }),
    kfuncs: module.importTable("env", "kfuncs", { minimum: 0 }),
    programs: module.importTable("env", "programs", { minimum: 0 }),
    programSignature: module.signature([I32, I64, I64], [I64, I64]),
    helperSignature: module.signature([I32, I32, I32, I32, I32], [I32]),
  };
}

function emitLoop(f: LoopFunction, imports: LoopImports, stepping: boolean): void {
  const { area: areaParam, pc, steps } = f.params;
  const balance = f.local(I64, "balance");
  const stack = f.local(I64, "stack");
  const address = f.local(I64, "address");

  f.get(areaParam).load(i64.load, area.budget).i64(4).op(i64.shl);
  f.get(pc).op(i64.extend_i32_u).i64(RECORD_SIZE).op(i64.add).op(i64.add).set(balance);
  f.get(areaParam).get(areaParam).load(i32.load, area.depth).i32(FRAME_SIZE).op(i32.mul).op(i32.add);
  f.i32(area.frames).op(i32.add).op(i64.extend_i32_u).set(stack);
  f.get(areaParam).i64(0).store(i64.store, area.windowReadLimit);
  f.get(areaParam).i64(0).store(i64.store, area.windowWriteLimit);

  f.loop((next) => {
    const stopped = f.openBlock();
    const fault = f.openBlock();
    const denied = f.openBlock();
    const exhausted = f.openBlock();
    const leave = f.openBlock();
    const taken = f.openBlock();
    const labels = { next, stopped, fault, denied, exhausted, leave, taken };
    const e = new Emitter(f, imports, labels, { balance, stack, address });

    f.get(pc).i32(RECORD_SIZE).op(i32.add).set(pc);
    if (stepping) {
      f.get(steps).op(i32.eqz).brIf(stopped);
      f.get(steps).i32(1).op(i32.sub).set(steps);
    }
    emitDispatch(e);
    f.end();
    emitTaken(e);
    f.end();
    emitLeave(e);
    f.end();
    e.saveState();
    f.i32(RUN_BUDGET).return().end();
    emitDenied(e);
    f.end();
    e.saveState();
    f.i32(RUN_FAULT).return().end();
    emitStop(e);
  });
  f.unreachable();
}

/** A handler a block: the table's n-th label ends right before the n-th handler. */
function emitDispatch(e: Emitter): void {
  const { f } = e;
  const blocks: Label[] = operations.map(() => f.openBlock()).reverse();
  const last = blocks.length - 1;
  f.get(e.pc).load(i32.load8_u, record.operation).brTable(blocks.slice(0, last), blocks[last]!);
  for (const operation of operations) {
    f.end();
    operation.emit(e);
    f.br(e.labels.next);
  }
}

/** A jump is charged by the distance that it moves; those that go back, and so could go on for ever, test the budget. */
function emitTaken(e: Emitter): void {
  const { f } = e;
  const distance = e.scratch(I32, "distance");
  e.operand().tee(distance).i32(0).op(i32.lt_s);
  f.if(() => e.testBudget());
  f.get(e.pc).get(distance).op(i32.add).set(e.pc);
  f.get(e.balance).get(distance).op(i64.extend_i32_s).op(i64.add).set(e.balance);
  f.br(e.labels.next);
}

/** An access that isn't allowed is a fault, unless the kernel would have caught its page fault. */
function emitDenied(e: Emitter): void {
  const { f } = e;
  f.get(e.pc).load(i32.load8_u, record.flags).i32(RECORD_GUARDED).op(i32.and).op(i32.eqz).brIf(e.labels.fault);
  f.get(e.area).i32(0).store(i32.store, area.faultReason);
  f.get(e.pc).load(i32.load8_u, record.flags).i32(RECORD_LOADS).op(i32.and).op(i32.eqz).brIf(e.labels.next);
  e.dstAddress().i64(0).store(i64.store);
  f.br(e.labels.next);
}

/** Nothing of the current record has happened, nor been charged. */
function emitStop(e: Emitter): void {
  const { f } = e;
  f.get(e.pc).i32(RECORD_SIZE).op(i32.sub).set(e.pc);
  e.saveState();
  f.get(e.area).get(e.pc).i32(RECORD_SIZE).op(i32.add).store(i32.store, area.position);
  f.i32(RUN_STOPPED).return();
}

function defineExecute(module: ModuleBuilder, loop: LoopFunction): void {
  const f = module.function("execute", { area: I32, context: I32 }, [I32]);
  const { params } = f;
  const frame0 = area.frames;
  const base = f.local(I32, "base");
  // Registers and stack are cleared, so that a program which nobody verified runs the same each time.
  f.get(params.area).i32(0).i32(88).memoryFill();
  f.get(params.area)
    .i32(frame0)
    .op(i32.add)
    .i32(0)
    .i32(STACK_SIZE + 8)
    .memoryFill();
  f.get(params.area).i32(frame0).op(i32.add).set(base);
  startMayGoto(f, base, () => f.get(params.area).load(i64.load, area.budget));
  f.get(params.area).get(params.context).op(i64.extend_i32_u).store(i64.store, 8);
  f.get(params.area)
    .get(params.area)
    .i32(frame0 + STACK_SIZE)
    .op(i32.add)
    .op(i64.extend_i32_u)
    .store(i64.store, 80);
  f.get(params.area).get(params.area).load(i32.load, area.program).load(i32.load, programRecord.code);
  f.i32(RECORD_SIZE).op(i32.sub).i32(0).call(loop);
  module.exportFunction("execute", f);
}

function defineInvoke(module: ModuleBuilder, loop: LoopFunction): void {
  const parameters = { area: I32, entry: I32, a1: I32, a2: I32, a3: I32, a4: I32, a5: I32 } as const;
  const f = module.function("invoke", parameters, [I32]);
  const { params } = f;
  const e = { f: f as unknown as LoopFunction, area: params.area, stack: f.local(I64, "stack") };
  const base = f.local(I32, "base");
  const status = f.local(I32, "status");
  const position = f.local(I32, "position");
  f.get(params.area).load(i64.load, area.budget).i64(0).op(i64.lt_s);
  f.if(() => f.i32(RUN_BUDGET).return());
  f.get(params.area)
    .load(i32.load, area.depth)
    .i32(MAX_CALL_FRAMES - 1)
    .op(i32.ge_s);
  f.if(() => {
    f.get(params.area).i32(FAULT_CALL_DEPTH).store(i32.store, area.faultReason);
    f.i32(RUN_FAULT).return();
  });
  f.get(params.area).load(i32.load, area.position).set(position);
  pushFrame(e, base, () => f.i32(0));
  startMayGoto(f, base, () => f.get(params.area).load(i64.load, area.budget));
  for (const [index, argument] of [params.a1, params.a2, params.a3, params.a4, params.a5].entries())
    f.get(params.area)
      .get(argument)
      .op(i64.extend_i32_u)
      .store(i64.store, 8 + index * 8);
  f.get(params.area).get(params.entry).i32(RECORD_SIZE).op(i32.sub).i32(0).call(loop).tee(status);
  f.i32(RUN_EXIT)
    .op(i32.ne)
    .if(() => f.get(status).return());
  f.get(base).op(i64.extend_i32_u).set(e.stack);
  popFrame(e, base);
  // The program stands at the helper call again.
  f.get(params.area).get(position).store(i32.store, area.position);
  f.i32(RUN_EXIT);
  module.exportFunction("invoke", f);
}
