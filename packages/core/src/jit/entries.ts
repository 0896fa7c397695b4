import {
  AREA_ALIGNMENT,
  area,
  FAULT_CALL_DEPTH,
  FRAME_SIZE,
  MAX_CALL_FRAMES,
  RUN_BUDGET,
  RUN_EXIT,
  RUN_FAULT,
  STACK_SIZE,
} from "../runtime/index.js";
import { type FunctionBuilder, I32, I64, i32, i64, type Local, type ModuleBuilder } from "../wasm/index.js";
import type { SharedParts } from "./module-parts.js";

/** Exports `execute(area, context) -> status`: runs the program from its start. */
export function defineExecute(module: ModuleBuilder, parts: SharedParts, main: FunctionBuilder): void {
  const f = module.function("execute", { area: I32, context: I32 }, [I32]);
  const { params } = f;
  const results = { left: f.local(I64, "left"), r0: f.local(I64, "r0") };
  if (parts.checked) emitReset(f, params.area, params.context);
  f.get(params.area).i32(area.frames).op(i32.add);
  f.get(params.area).load(i64.load, area.budget);
  f.get(params.context).op(i64.extend_i32_u).call(main);
  f.set(results.left).set(results.r0);
  emitResults(f, params.area, results);
  f.i32(RUN_EXIT);
  module.exportFunction("execute", f);
}

/**
 * Exports `repeat(area, context, times) -> status`: runs the program from its start again and again, at least once, on
 * what the runs before left behind; each has the budget that the area holds. What the area says then is about the last.
 */
export function defineRepeat(module: ModuleBuilder, parts: SharedParts, main: FunctionBuilder): void {
  const f = module.function("repeat", { area: I32, context: I32, times: I32 }, [I32]);
  const { params } = f;
  const results = { left: f.local(I64, "left"), r0: f.local(I64, "r0") };
  const budget = f.local(I64, "budget");
  const frame = f.local(I32, "frame");
  f.get(params.area).load(i64.load, area.budget).set(budget);
  f.get(params.area).i32(area.frames).op(i32.add).set(frame);
  f.loop((again) => {
    f.get(params.area).i32(0).store(i32.store, area.tailCalls);
    f.get(params.area).get(budget).store(i64.store, area.budget);
    if (parts.checked) emitReset(f, params.area, params.context);
    f.get(frame).get(budget);
    f.get(params.context).op(i64.extend_i32_u).call(main);
    f.set(results.left).set(results.r0);
    f.get(params.times).i32(1).op(i32.sub).tee(params.times).brIf(again);
  });
  emitResults(f, params.area, results);
  f.i32(RUN_EXIT);
  module.exportFunction("repeat", f);
}

/**
 * Where tail calls to a checked program go, (frame, left, r1) -> (r0, left): unchecked programs leave r1 and the access
 * window of runs before in the area, where checked ones look for theirs.
 */
export function defineCheckedEntry(
  module: ModuleBuilder,
  { tailCalls }: SharedParts,
  main: FunctionBuilder,
): FunctionBuilder {
  const f = module.function("entry", { frame: I32, left: I64, r1: I64 }, [I64, I64]);
  const { frame, left, r1 } = f.params;
  const at = f.local(I32, "area");
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).tee(at);
  f.get(r1).store(i64.store, area.registers + 8);
  emitClosedWindow(f, at);
  f.get(frame).get(left).get(r1);
  if (tailCalls) f.returnCall(main);
  else f.call(main);
  return f;
}

function emitClosedWindow(f: FunctionBuilder, at: Local): void {
  f.get(at).i64(0).store(i64.store, area.windowReadLimit);
  f.get(at).i64(0).store(i64.store, area.windowWriteLimit);
}

/** Clears registers and stack, so that a program which nobody verified runs the same each time. */
export function emitReset(f: FunctionBuilder, at: Local, context: Local): void {
  f.get(at).i32(0).i32(88).memoryFill();
  f.get(at).i32(area.frames).op(i32.add).i32(0).i32(STACK_SIZE).memoryFill();
  f.get(at)
    .get(context)
    .op(i64.extend_i32_u)
    .store(i64.store, area.registers + 8);
  emitClosedWindow(f, at);
}

export function emitResults(
  f: FunctionBuilder,
  at: Local,
  { left, r0 }: { readonly left: Local; readonly r0: Local },
): void {
  f.get(at).get(left).store(i64.store, area.budget);
  f.get(at).get(r0).store(i64.store, area.registers);
}

/**
 * Exports `invoke(area, entry, a1 ... a5) -> status`: runs one of the functions whose address the program takes, a frame
 * deeper. `entry` is its index among them.
 */
export function defineInvoke(module: ModuleBuilder, parts: SharedParts): void {
  const parameters = { area: I32, entry: I32, a1: I32, a2: I32, a3: I32, a4: I32, a5: I32 } as const;
  const f = module.function("invoke", parameters, [I32]);
  const { params } = f;
  const values = [params.a1, params.a2, params.a3, params.a4, params.a5];
  const depth = f.local(I32, "depth");
  const left = f.local(I64, "left");
  const r0 = f.local(I64, "r0");
  const position = f.local(I32, "position");
  const saved = [6, 7, 8, 9].map((register) => ({ register, local: f.local(I64, `r${register}`) }));
  f.get(params.area).load(i64.load, area.budget).i64(0).op(i64.lt_s);
  f.if(() => f.i32(RUN_BUDGET).return());
  f.get(params.area)
    .load(i32.load, area.depth)
    .tee(depth)
    .i32(MAX_CALL_FRAMES - 1)
    .op(i32.ge_s);
  f.if(() => {
    f.get(params.area).i32(FAULT_CALL_DEPTH).store(i32.store, area.faultReason);
    f.i32(RUN_FAULT).return();
  });
  f.get(params.area).load(i32.load, area.position).set(position);
  for (const { register, local } of saved)
    f.get(params.area)
      .load(i64.load, register * 8)
      .set(local);
  if (parts.checked) {
    values.forEach((value, index) => {
      f.get(params.area)
        .get(value)
        .op(i64.extend_i32_u)
        .store(i64.store, 8 + index * 8);
    });
    emitClosedWindow(f, params.area);
  }
  f.get(params.area).get(depth).i32(FRAME_SIZE).op(i32.mul).op(i32.add);
  f.i32(area.frames + FRAME_SIZE).op(i32.add);
  f.get(params.area).load(i64.load, area.budget);
  for (const register of parts.callbackRegisters) f.get(values[register - 1]!).op(i64.extend_i32_u);
  f.get(params.entry).callIndirect(parts.callbackSignature, parts.callbacks);
  f.set(left).set(r0);
  f.get(params.area).get(left).store(i64.store, area.budget);
  f.get(params.area).get(r0).store(i64.store, area.registers);
  for (const { register, local } of saved)
    f.get(params.area)
      .get(local)
      .store(i64.store, register * 8);
  f.get(params.area).get(depth).store(i32.store, area.depth);
  // The program stands at the helper call again.
  f.get(params.area).get(position).store(i32.store, area.position);
  f.i32(RUN_EXIT);
  module.exportFunction("invoke", f);
}
