import { BpfError } from "../base/index.js";
import { describeSlot } from "../host/index.js";
import type { Fault } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";

/** A test run ended without a verdict: the program did what a verified one cannot do, or ran out of its budget. */
export class RunError extends BpfError<"FAULT" | "BUDGET"> {
  /** Absent where the budget was exhausted. */
  readonly fault: Fault | undefined;
  /** Slot of the instruction. */
  readonly slot: number;

  constructor(spec: ProgramSpec, ended: { readonly fault?: Fault; readonly slot: number }) {
    const { fault, slot } = ended;
    const place = describeSlot(spec, slot);
    const what = fault?.message ?? "the instruction budget is exhausted";
    super(fault === undefined ? "BUDGET" : "FAULT", `program '${spec.name}' stopped at ${place}: ${what}`, {
      fault,
      slot,
    });
    this.fault = fault;
    this.slot = slot;
  }
}
