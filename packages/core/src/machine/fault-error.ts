import { BpfError } from "../base/index.js";
import { describeSlot } from "../host/index.js";
import type { Fault, RunStatus, Runtime } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import type { MachineProgram } from "./machine-program.js";

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

/** What the run that ended last, with another status than an exit, stopped at. */
export function runError(runtime: Runtime, program: MachineProgram, status: RunStatus): RunError {
  const result = runtime.result(status);
  if (result.kind === "exit") throw new RangeError("the run did end with a verdict");
  const ended = result.kind === "fault" ? { fault: result.fault, slot: result.fault.slot } : { slot: result.slot };
  return new RunError(program.spec, ended);
}
