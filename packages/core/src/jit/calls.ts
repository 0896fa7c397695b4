import { HELPER_TAIL_CALL } from "../abi/index.js";
import {
  AREA_ALIGNMENT,
  area,
  calledHelper,
  FAULT_CALL_DEPTH,
  FRAME_SIZE,
  MAX_CALL_FRAMES,
  MAX_TAIL_CALLS,
  programRecord,
  targetOf,
} from "../runtime/index.js";
import { I32, i32, i64, type Local } from "../wasm/index.js";
import { emitTailTarget } from "./inline-helpers.js";
import { helperImport } from "./module-imports.js";
import { emitDepth, FRAME, type Translation } from "./translation.js";

/** Pushes the low halves of r1 to r5. */
function pushArguments(t: Translation): void {
  for (let register = 1; register <= 5; register++) t.get(register, 32);
}

/** A call of a helper or kfunc. @see RFC 9669 section 4.3.1 */
export function emitHelperCall(t: Translation, target: "helper" | "kfunc"): void {
  const inlined = t.parts.inlined.get(t.slot);
  if (inlined === undefined) emitOutsideCall(t, target);
  else inlined.emit(t, () => emitOutsideCall(t, target));
}

function emitOutsideCall(t: Translation, target: "helper" | "kfunc"): void {
  const { f, parts } = t;
  const { program } = parts;
  const helper = calledHelper(program, t.slot, parts.tables)!;
  const returned = t.scratch(I32, "returned");
  t.spill();
  pushArguments(t);
  f.call(parts.imports.helpers.get(helperImport(target, program.slots.imm[t.slot]!))!).set(returned);
  t.reload();
  if (helper.result === "wide") t.reloadRegisters(0, 0);
  else {
    f.get(returned).op(helper.result === "int" ? i64.extend_i32_s : i64.extend_i32_u);
    t.set(0, 64);
  }
}

/** A call of one of the program's functions. */
export function emitLocalCall(t: Translation): void {
  const { parts } = t;
  const callee = parts.functions.get(targetOf(parts.program, t.slot)!)!;
  emitEnter(t, () => {
    for (const register of callee.parameters) t.get(register, 64);
    t.f.call(callee.builder);
  });
}

/** Enters a function one frame deeper and takes its results; `call` pushes its register parameters and calls it. */
function emitEnter(t: Translation, call: () => void): void {
  const { f, parts } = t;
  t.testBudget();
  if (parts.metered) {
    // Frames are 1 KiB, the first of them 1 KiB into its area: the last one is where this bit is set.
    f.get(FRAME)
      .i32((MAX_CALL_FRAMES * FRAME_SIZE) & (AREA_ALIGNMENT - 1))
      .op(i32.and);
    f.if(() => t.fault(FAULT_CALL_DEPTH));
  }
  if (parts.checked) t.spill();
  f.get(FRAME).i32(FRAME_SIZE).op(i32.add);
  t.left();
  call();
  t.setLeft();
  t.set(0, 64);
  if (!parts.checked) return;
  t.reloadRegisters(1, 5);
  t.writeDepth();
  // Unchecked programs that the function tail called leave the window as it is while memory changes hands.
  if (parts.imports.tailCallDeeper !== undefined) t.clearWindow();
}

/** A function's record, or a helper's number: JavaScript tells them apart, and calls the helper. */
export function emitRegisterCall(t: Translation): void {
  const { f, parts } = t;
  const { dst } = parts.program.slots;
  const target = t.scratch(I32, "target");
  t.spill();
  t.area();
  t.get(dst[t.slot]!, 32);
  t.get(dst[t.slot]!, 64).i64(32).op(i64.shr_u).op(i32.wrap_i64).call(parts.imports.callRegister!).set(target);
  t.reload();
  if (!parts.checked) t.reloadRegisters(0, 0);
  // 0: it was a helper.
  f.get(target).openIf();
  emitEnter(t, () => {
    for (const register of parts.callbackRegisters) t.get(register, 64);
    f.get(target).i32(1).op(i32.sub).callIndirect(parts.callbackSignature, parts.callbacks);
  });
  f.end();
}

/** The target takes over this frame. An empty slot, a bad index or the 34th tail call just goes on. */
export function emitTailCall(t: Translation): void {
  const { f, parts } = t;
  const target = t.scratch(I32, "target");
  const count = t.scratch(I32, "count");
  const map = parts.callMaps.get(t.slot);
  // Nobody sees the registers where the array is looked up right here.
  const known = map?.type === "prog_array" && parts.blinding === undefined ? map : undefined;
  const foreign = parts.checked || known === undefined;
  if (foreign) t.spill();
  if (known !== undefined) emitTailTarget(t, known);
  else {
    pushArguments(t);
    f.call(parts.imports.helpers.get(helperImport("helper", HELPER_TAIL_CALL))!);
  }
  f.set(target);
  if (foreign) t.reload();
  f.block((failed) => {
    f.get(target).op(i32.eqz).brIf(failed);
    t.area().load(i32.load, area.tailCalls).tee(count).i32(MAX_TAIL_CALLS).op(i32.ge_u).brIf(failed);
    t.testBudget();
    t.area().get(count).i32(1).op(i32.add).store(i32.store, area.tailCalls);
    emitDeeperTailCall(t, target);
    f.get(FRAME);
    t.left();
    t.get(1, 64);
    const own = map === undefined ? undefined : parts.imports.arrays.get(map);
    const programs = own ?? parts.imports.programs!;
    if (own === undefined) f.get(target).load(i32.load, programRecord.entry);
    else t.get(3, 32);
    if (parts.tailCalls) f.returnCallIndirect(parts.entrySignature, programs);
    else f.callIndirect(parts.entrySignature, programs).return();
  });
}

/** Where the target's frames don't fit behind this one, it runs on an area of its own, and its r0 is the function's. */
function emitDeeperTailCall(t: Translation, target: Local): void {
  const { f, parts } = t;
  // Everything fits behind the first frame, where most tail calls come from.
  emitDepth(f, FRAME).openIf();
  emitDepth(f, FRAME).get(target).load(i32.load, programRecord.frames).op(i32.add);
  f.i32(MAX_CALL_FRAMES).op(i32.gt_u);
  f.if(() => {
    t.spill();
    f.get(target).call(parts.imports.tailCallDeeper!);
    t.area().load(i64.load, area.registers);
    t.area().load(i64.load, area.budget).return();
  });
  f.end();
}

/** Back to the caller with r0 and what is left of the budget. */
export function emitLeave(t: Translation): void {
  const { parts } = t;
  if (parts.checked) {
    for (let register = 0; register <= 5; register++) {
      t.area();
      t.get(register, 64).store(i64.store, area.registers + register * 8);
    }
  }
  t.get(0, 64);
  t.left().return();
}
