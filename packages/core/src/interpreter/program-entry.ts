import {
  AREA_ALIGNMENT,
  area,
  FRAME_SIZE,
  frame as frameState,
  programRecord,
  RUN_EXIT,
  STACK_SIZE,
} from "../runtime/index.js";
import { I32, I64, i32, i64, ModuleBuilder, type WasmModule, webAssembly } from "../wasm/index.js";
import { startMayGoto } from "./calls.js";
import type { LoopFunction, LoopImports } from "./emitter.js";
import { RECORD_SIZE } from "./record.js";

let entryModule: WasmModule | undefined;

/**
 * A function for `ProgramEntries`: starts the program with this record in the interpreter. What tail called it stays in
 * progress meanwhile, so that at most MAX_TAIL_CALLS of both engines wait for each other.
 *
 * @param enter of the loop that is to run it
 */
export function programEntry(enter: unknown, record: number): unknown {
  const { Global, Instance, Module } = webAssembly();
  entryModule ??= new Module(generateEntry());
  const env = { enter, record: new Global({ value: "i32", mutable: false }, record) };
  return new Instance(entryModule, { env }).exports["entry"];
}

function generateEntry(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder("bpf interpreted program");
  const enter = module.importFunction("env", "enter", [I32, I64, I64, I32], [I64, I64]);
  const record = module.importGlobal("env", "record", I32);
  const f = module.function("entry", { frame: I32, left: I64, r1: I64 }, [I64, I64]);
  f.get(f.params.frame).get(f.params.left).get(f.params.r1).globalGet(record).call(enter);
  module.exportFunction("entry", f);
  return module.finish();
}

/**
 * Exports `enter(frame, left, r1, record) -> (r0, left)`: runs a program in a frame that another engine's program hands
 * over. Ends the run where the program doesn't exit.
 */
export function defineEnter(module: ModuleBuilder, { abort }: LoopImports, loop: LoopFunction): void {
  const f = module.function("enter", { frame: I32, left: I64, r1: I64, record: I32 }, [I64, I64]);
  const { frame, left, r1, record } = f.params;
  const at = f.local(I32, "area");
  const status = f.local(I32, "status");
  const returnTo = f.local(I32, "return_to");
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).tee(at).get(left).store(i64.store, area.budget);
  f.get(at).get(record).store(i32.store, area.program);
  f.get(at)
    .get(r1)
    .store(i64.store, area.registers + 8);
  f.get(at).get(frame).i32(STACK_SIZE).op(i32.add).op(i64.extend_i32_u);
  f.store(i64.store, area.registers + 80);
  f.get(at).get(frame).get(at).op(i32.sub).i32(area.frames).op(i32.sub);
  f.i32(Math.log2(FRAME_SIZE)).op(i32.shr_u).store(i32.store, area.depth);
  // The frame may be an interpreted function's that waits for the program in between.
  f.get(frame).load(i32.load, frameState.returnTo).set(returnTo);
  f.get(frame).i32(0).store(i32.store, frameState.returnTo);
  startMayGoto(f, frame, () => f.get(left));
  f.get(at).get(record).load(i32.load, programRecord.code).i32(RECORD_SIZE).op(i32.sub).i32(0).call(loop);
  f.tee(status).i32(RUN_EXIT).op(i32.ne);
  f.if(() => f.get(status).call(abort));
  f.get(frame).get(returnTo).store(i32.store, frameState.returnTo);
  f.get(at).load(i64.load, area.registers).get(at).load(i64.load, area.budget);
  module.exportFunction("enter", f);
}
