import type { Comparison } from "../isa/index.js";
import { area, FRAME_SIZE, frame, wasmComparisons } from "../runtime/index.js";
import { i32, i64, type Operator } from "../wasm/index.js";
import type { Emitter, Operation } from "./emitter.js";

/** @see RFC 9669 section 4.3 */
export function branchOperations(): Operation[] {
  const operations: Operation[] = [
    { name: "goto", emit: (e) => void e.f.br(e.labels.taken) },
    { name: "may_goto", emit: emitMayGoto },
  ];
  for (const width of [64, 32] as const) {
    const ops = width === 32 ? i32 : i64;
    for (const source of ["imm", "reg"] as const) {
      for (const [comparison, name] of Object.entries(wasmComparisons) as [Comparison, "eq"][]) {
        operations.push({
          name: `j${comparison}${width}_${source}`,
          emit: (e) => {
            e.dst(width);
            e.source(source, width).op(ops[name] as Operator);
            e.f.brIf(e.labels.taken);
          },
        });
      }
      operations.push({
        name: `jset${width}_${source}`,
        emit: (e) => {
          e.dst(width);
          e.source(source, width).op(ops.and);
          if (width === 64) e.f.i64(0).op(i64.ne);
          e.f.brIf(e.labels.taken);
        },
      });
    }
  }
  return operations;
}

/** Jumps when this frame's rounds, or its part of the budget, are used up, else counts a round and falls through. */
function emitMayGoto(e: Emitter): void {
  const { f } = e;
  const counter = area.frames + frame.mayGoto;
  const pushFrame = () => {
    f.get(e.area).get(e.area).load(i32.load, area.depth).i32(FRAME_SIZE).op(i32.mul).op(i32.add);
  };
  pushFrame();
  f.load(i32.load, counter).op(i32.eqz).brIf(e.labels.taken);
  e.left();
  pushFrame();
  f.load(i64.load, area.frames + frame.mayGotoFloor)
    .op(i64.lt_s)
    .brIf(e.labels.taken);
  pushFrame();
  pushFrame();
  f.load(i32.load, counter).i32(1).op(i32.sub).store(i32.store, counter);
}
