import { HELPER_TAIL_CALL } from "../abi/index.js";
import {
  area,
  FAULT_CALL_DEPTH,
  FAULT_NO_EXIT,
  FRAME_SIZE,
  frame,
  MAX_CALL_FRAMES,
  MAX_TAIL_CALLS,
  MAY_GOTO_FLOOR_SHIFT,
  MAY_GOTO_ROUNDS,
  programRecord,
  RUN_EXIT,
  STACK_SIZE,
} from "../runtime/index.js";
import { type FunctionBuilder, I32, I64, i32, i64, type Local } from "../wasm/index.js";
import type { Emitter, Operation } from "./emitter.js";
import { RECORD_SIZE } from "./record.js";

/** @see RFC 9669 section 4.3.1 */
export function callOperations(): Operation[] {
  const operations: Operation[] = [
    { name: "call_local", emit: emitLocalCall },
    { name: "call_register", emit: emitRegisterCall },
    { name: "tail_call", emit: emitTailCall },
    { name: "exit", emit: (e) => void e.f.br(e.labels.leave) },
    { name: "no_exit", emit: (e) => e.fault(FAULT_NO_EXIT) },
  ];
  for (const table of ["helper", "kfunc"] as const) {
    for (const result of ["int", "uint", "wide"] as const) {
      operations.push({ name: `call_${table}_${result}`, emit: (e) => emitHelperCall(e, table, result) });
    }
  }
  return operations;
}

/** Pushes the low halves of r1 to r5. */
function pushArguments({ f, area: at }: Emitter): void {
  for (let register = 1; register <= 5; register++) f.get(at).load(i32.load, area.registers + register * 8);
}

function emitHelperCall(e: Emitter, table: "helper" | "kfunc", result: "int" | "uint" | "wide"): void {
  const { f, imports } = e;
  const returned = e.scratch(I32, "returned");
  e.saveState();
  pushArguments(e);
  e.operand().callIndirect(imports.helperSignature, table === "helper" ? imports.helpers : imports.kfuncs);
  f.set(returned);
  if (result !== "wide")
    e.setRegister(0, () => f.get(returned).op(result === "int" ? i64.extend_i32_s : i64.extend_i32_u));
  e.restoreState();
}

/** Calls the function whose first record is `operand` bytes of records away. */
function emitLocalCall(e: Emitter): void {
  const target = e.scratch(I32, "target");
  e.f.get(e.pc);
  e.operand().op(i32.add).set(target);
  enterFunction(e, target);
}

/** A function's record, or a helper's number: JavaScript tells them apart, and calls the helper. */
function emitRegisterCall(e: Emitter): void {
  const { f } = e;
  const target = e.scratch(I32, "target");
  e.saveState();
  f.get(e.area);
  e.dst(32);
  e.dstAddress().load(i32.load, 4).call(e.imports.callRegister);
  f.set(target);
  e.restoreState();
  f.get(target).op(i32.eqz).brIf(e.labels.next);
  f.get(target).i32(RECORD_SIZE).op(i32.sub).set(target);
  enterFunction(e, target);
}

/** Opens a frame and goes on after the record at `target`. */
function enterFunction(e: Emitter, target: Local): void {
  const { f } = e;
  const base = e.scratch(I32, "base");
  e.testBudget();
  f.get(e.area)
    .load(i32.load, area.depth)
    .i32(MAX_CALL_FRAMES - 1)
    .op(i32.ge_s);
  f.if(() => e.fault(FAULT_CALL_DEPTH));
  pushFrame(e, base, () => f.get(e.pc));
  startMayGoto(f, base, () => e.left());
  e.moveTo(target);
  f.br(e.labels.next);
}

/** Starts may_goto anew in a frame; `pushLeft` pushes the slots left of the budget. */
export function startMayGoto(f: FunctionBuilder, base: Local, pushLeft: () => void): void {
  f.get(base).i32(MAY_GOTO_ROUNDS).store(i32.store, frame.mayGoto);
  f.get(base);
  pushLeft();
  f.i64(MAY_GOTO_FLOOR_SHIFT).op(i64.shr_s).store(i64.store, frame.mayGotoFloor);
}

/** One frame deeper: the caller's r6 to r9 are kept, r10 and the loop's stack local move. */
export function pushFrame(e: Pick<Emitter, "f" | "area" | "stack">, base: Local, returnTo: () => void): void {
  const { f } = e;
  f.get(e.area).get(e.area).load(i32.load, area.depth).i32(1).op(i32.add).store(i32.store, area.depth);
  f.get(e.area).get(e.area).load(i32.load, area.depth).i32(FRAME_SIZE).op(i32.mul).op(i32.add);
  f.i32(area.frames).op(i32.add).set(base);
  f.get(base);
  returnTo();
  f.store(i32.store, frame.returnTo);
  f.get(base).get(e.area).load(i32.load, area.program).store(i32.store, frame.program);
  for (let register = 6; register <= 9; register++) {
    f.get(base)
      .get(e.area)
      .load(i64.load, register * 8);
    f.store(i64.store, frame.saved + (register - 6) * 8);
  }
  f.get(base).op(i64.extend_i32_u).set(e.stack);
  f.get(e.area).get(e.stack).i64(STACK_SIZE).op(i64.add).store(i64.store, 80);
}

/** Back to the caller's frame: what {@link pushFrame} kept. */
export function popFrame(e: Pick<Emitter, "f" | "area" | "stack">, base: Local): void {
  const { f } = e;
  f.get(e.area).get(e.area).load(i32.load, area.depth).i32(1).op(i32.sub).store(i32.store, area.depth);
  f.get(e.area).get(base).load(i32.load, frame.program).store(i32.store, area.program);
  for (let register = 6; register <= 9; register++) {
    f.get(e.area)
      .get(base)
      .load(i64.load, frame.saved + (register - 6) * 8);
    f.store(i64.store, register * 8);
  }
  f.get(e.stack).i64(FRAME_SIZE).op(i64.sub).set(e.stack);
  f.get(e.area).get(e.stack).i64(STACK_SIZE).op(i64.add).store(i64.store, 80);
}

/** What `exit` does: back to the caller, or out of generated code where the frame has none. */
export function emitLeave(e: Emitter): void {
  const { f } = e;
  const target = e.scratch(I32, "target");
  const base = e.scratch(I32, "base");
  f.get(e.stack).op(i32.wrap_i64).tee(base).load(i32.load, frame.returnTo).tee(target).op(i32.eqz);
  f.if(() => {
    e.saveState();
    f.i32(RUN_EXIT).return();
  });
  popFrame(e, base);
  e.moveTo(target);
  f.br(e.labels.next);
}

/** The target takes over this frame. An empty slot, a bad index or the 34th tail call just goes on. */
function emitTailCall(e: Emitter): void {
  const { f, imports } = e;
  const target = e.scratch(I32, "target");
  const base = e.scratch(I32, "base");
  e.saveState();
  pushArguments(e);
  f.i32(HELPER_TAIL_CALL).callIndirect(imports.helperSignature, imports.helpers).set(target);
  e.restoreState();
  f.get(target).op(i32.eqz).brIf(e.labels.next);
  f.get(e.area).load(i32.load, area.tailCalls).i32(MAX_TAIL_CALLS).op(i32.ge_u).brIf(e.labels.next);
  e.testBudget();
  f.get(e.area).get(e.area).load(i32.load, area.tailCalls).i32(1).op(i32.add).store(i32.store, area.tailCalls);
  f.get(e.area).load(i32.load, area.depth).get(target).load(i32.load, programRecord.frames).op(i32.add);
  f.i32(MAX_CALL_FRAMES).op(i32.gt_u);
  f.if(() => {
    e.saveState();
    f.get(target).call(imports.tailCallDeeper);
    e.restoreState();
    f.br(e.labels.leave);
  });
  f.get(target).load(i32.load, programRecord.code).op(i32.eqz);
  f.if(() => emitForeignTailCall(e, target));
  f.get(e.area).get(target).store(i32.store, area.program);
  f.get(e.stack).op(i32.wrap_i64).set(base);
  startMayGoto(f, base, () => e.left());
  f.get(target).load(i32.load, programRecord.code).i32(RECORD_SIZE).op(i32.sub).set(target);
  e.moveTo(target);
  f.br(e.labels.next);
}

/** The target, which the interpreter doesn't run, runs in this frame, and its r0 is the function's. */
function emitForeignTailCall(e: Emitter, target: Local): void {
  const { f, imports } = e;
  const depth = e.scratch(I32, "depth");
  const left = e.scratch(I64, "left");
  const r0 = e.scratch(I64, "r0");
  e.saveState();
  f.get(e.area).load(i32.load, area.depth).set(depth);
  f.get(e.stack).op(i32.wrap_i64);
  e.left();
  e.register(1);
  f.get(target).load(i32.load, programRecord.entry).callIndirect(imports.programSignature, imports.programs);
  f.set(left).set(r0);
  f.get(e.area).get(left).store(i64.store, area.budget);
  f.get(e.area).get(depth).store(i32.store, area.depth);
  e.setRegister(0, () => f.get(r0));
  e.restoreState();
  f.br(e.labels.leave);
}
