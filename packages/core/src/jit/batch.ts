import { area, RUN_EXIT, ringEntry, ringHeader } from "../runtime/index.js";
import { type FunctionBuilder, I32, I64, i32, i64, type ModuleBuilder } from "../wasm/index.js";
import { emitReset, emitResults } from "./entries.js";
import type { SharedParts } from "./module-parts.js";

/** From entry to area: what a run starts with, in the words that helpers and checks look at. */
const bounds = [
  [area.packetStart, ringEntry.packetStart],
  [area.packetEnd, ringEntry.packetEnd],
] as const;

/**
 * Exports `batch(area, ring, from, to) -> status`: the runs of a `PacketRing` one after the other, `to` being the first
 * that isn't. The program is called, not put into the loop, so that an engine can go over to better code in between.
 */
export function defineBatch(module: ModuleBuilder, parts: SharedParts, main: FunctionBuilder): void {
  const f = module.function("batch", { area: I32, ring: I32, from: I32, to: I32 }, [I32]);
  const { params } = f;
  const results = { left: f.local(I64, "left"), r0: f.local(I64, "r0") };
  const budget = f.local(I64, "budget");
  const entry = f.local(I32, "entry");
  const context = f.local(I32, "context");
  const counter = f.local(I32, "counter");
  f.get(params.area).load(i64.load, area.budget).tee(budget).set(results.left);
  f.get(params.ring).load(i32.load, ringHeader.runNumber).set(counter);
  f.get(params.ring).get(params.from).i32(ringEntry.size).op(i32.mul).op(i32.add);
  f.i32(ringHeader.size).op(i32.add).set(entry);
  f.block((end) => {
    f.loop((again) => {
      f.get(params.from).get(params.to).op(i32.ge_u).brIf(end);
      f.get(params.ring).get(params.from).store(i32.store, ringHeader.next);
      f.get(counter).get(counter).load(i32.load).i32(1).op(i32.add).store(i32.store);
      for (const [to, from] of bounds) f.get(params.area).get(entry).load(i32.load, from).store(i32.store, to);
      f.get(params.area).get(entry).load(i32.load, ringEntry.context).tee(context).store(i32.store, area.contextStart);
      f.get(params.area).get(context).get(params.ring).load(i32.load, ringHeader.contextSize).op(i32.add);
      f.store(i32.store, area.contextEnd);
      f.i32(parts.timeAddress).get(entry).load(i64.load, ringEntry.time).store(i64.store);
      f.get(params.area).i32(0).store(i32.store, area.tailCalls);
      f.get(params.area).get(budget).store(i64.store, area.budget);
      if (parts.checked) emitReset(f, params.area, context);
      f.get(params.area).i32(area.frames).op(i32.add).get(budget);
      f.get(context).op(i64.extend_i32_u).call(main);
      f.set(results.left).set(results.r0);
      f.get(entry).get(results.r0).store(i64.store32, ringEntry.r0);
      f.get(entry).i32(ringEntry.size).op(i32.add).set(entry);
      f.get(params.from).i32(1).op(i32.add).set(params.from).br(again);
    });
  });
  emitResults(f, params.area, results);
  f.i32(RUN_EXIT);
  module.exportFunction("batch", f);
}
