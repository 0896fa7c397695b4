import { HELPER_TAIL_CALL } from "../abi/index.js";
import type { InstructionRow } from "../isa/index.js";
import { FAULT_NO_EXIT } from "../runtime/index.js";
import { i64 } from "../wasm/index.js";
import { emitAlu, emitByteSwap, emitNegation, emitSignedMove } from "./arithmetic.js";
import { emitCondition, emitCounterStart } from "./branches.js";
import { emitHelperCall, emitLeave, emitLocalCall, emitRegisterCall, emitTailCall } from "./calls.js";
import { chargeOfWay, noCharges, spreadCharges } from "./charges.js";
import { type FlowGraph, slotAfter } from "./flow-graph.js";
import { emitArenaCast, emitAtomic, emitLoad, emitPacketLoad, emitStore } from "./memory-access.js";
import type { ModuleFunction, ModuleParts } from "./module-parts.js";
import { type BlockEmitter, emitControlFlow } from "./structure.js";
import { BALANCE, Translation } from "./translation.js";

/** Emits the body of one of the program's functions. */
export function emitFunction(parts: ModuleParts, target: ModuleFunction): void {
  const { graph } = target;
  const translation = new Translation(parts, target, parts.metered ? spreadCharges(graph) : noCharges());
  if (parts.checked) {
    translation.reloadRegisters(0, 9);
    translation.writeDepth();
  }
  if (hasMayGoto(parts, graph)) emitCounterStart(translation);
  emitControlFlow(target.builder, graph, new FunctionBlocks(translation));
}

function hasMayGoto({ program }: ModuleParts, graph: FlowGraph): boolean {
  return graph.last.some((slot) => program.rows[slot]?.kind === "may_goto");
}

class FunctionBlocks implements BlockEmitter {
  readonly #t: Translation;

  constructor(translation: Translation) {
    this.#t = translation;
  }

  body(block: number): void {
    const { program } = this.#t.parts;
    const { graph } = this.#t;
    for (let slot = graph.start[block]!; slot < graph.end[block]!; slot = slotAfter(program, slot)) {
      const row = program.rows[slot];
      if (row === undefined) return;
      this.#t.at(block, slot);
      emitInstruction(this.#t, row);
    }
  }

  condition(block: number, inverted: boolean): void {
    this.#t.at(block, this.#t.graph.last[block]!);
    emitCondition(this.#t, inverted);
  }

  isFree(from: number, to: number): boolean {
    return (
      !(this.#t.charges.counted && this.#goesBack(from, to)) &&
      chargeOfWay(this.#t.graph, this.#t.charges, from, to) === 0
    );
  }

  /** A jump to a lower slot could go on for ever, so it tests the budget. */
  way(from: number, to: number): void {
    const { f, graph, charges } = this.#t;
    this.#t.at(from, graph.last[from]!);
    if (this.#goesBack(from, to)) this.#t.testBudget();
    const charge = chargeOfWay(graph, charges, from, to);
    if (charge !== 0) f.get(BALANCE).i64(charge).op(i64.add).set(BALANCE);
  }

  leave(block: number): void {
    const slot = this.#t.graph.last[block]!;
    this.#t.at(block, slot);
    if (this.#t.parts.program.rows[slot] === undefined) this.#t.fault(FAULT_NO_EXIT);
    else emitLeave(this.#t);
  }

  #goesBack(from: number, to: number): boolean {
    const { start, last } = this.#t.graph;
    return start[to]! <= last[from]!;
  }
}

/** An instruction that doesn't end its block; of those that do, the control flow takes care. */
function emitInstruction(t: Translation, row: InstructionRow): void {
  switch (row.kind) {
    case "alu":
      emitAlu(t, row);
      return;
    case "neg":
      emitNegation(t, row.width);
      return;
    case "movsx":
      emitSignedMove(t, row);
      return;
    case "byte_swap":
      emitByteSwap(t, row);
      return;
    case "addr_space_cast":
      emitArenaCast(t);
      return;
    case "load_imm64":
      emitConstant(t);
      return;
    case "load":
      emitLoad(t, row.size, row.signed);
      return;
    case "load_acquire":
      emitLoad(t, row.size, false);
      return;
    case "store":
      emitStore(t, row.size, row.source);
      return;
    case "store_release":
      emitStore(t, row.size, "reg");
      return;
    case "atomic":
      emitAtomic(t, row);
      return;
    case "load_packet":
      emitPacketLoad(t, row.mode, row.size, () => emitLeave(t));
      return;
    case "call":
      emitCall(t, row.target);
      return;
    case "goto":
    case "branch":
    case "may_goto":
    case "exit":
      return;
  }
}

function emitConstant(t: Translation): void {
  const { slots, functionLoads } = t.parts.program;
  const callback = functionLoads.get(t.slot);
  const { blinding } = t.parts;
  const [low, high] = [slots.imm[t.slot]!, slots.imm[t.slot + 1]!];
  if (callback !== undefined) t.f.i64(t.parts.functionRecords.get(callback)!, 0);
  else if (blinding === undefined) t.f.i64(low, high);
  else blinding.push64(t.f, t.slot, low, high);
  t.set(slots.dst[t.slot]!, 64);
}

function emitCall(t: Translation, target: "helper" | "local" | "kfunc" | "register"): void {
  if (target === "local") emitLocalCall(t);
  else if (target === "register") emitRegisterCall(t);
  else if (target === "helper" && t.parts.program.slots.imm[t.slot] === HELPER_TAIL_CALL) emitTailCall(t);
  else emitHelperCall(t, target);
}
