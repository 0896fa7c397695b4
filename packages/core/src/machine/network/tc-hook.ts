import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";

/** A program of a tcx link. */
export interface TcxEntry {
  readonly link: MachineLink;
  program: MachineProgram;
}

/** A filter of the clsact qdisc that is a program. */
export interface ClsactFilter {
  /** Lower ones are asked first. */
  readonly priority: number;
  /** Tells filters of one priority apart; the newest is asked first. */
  readonly handle: number;
  /** Does the program return a TC_ACT_*? Else it returns a class: 0 for no match. */
  readonly directAction: boolean;
  program: MachineProgram;
}

/** Programs at one of a device's two tc hooks. The arrays are replaced, never changed: a run in progress keeps its own. */
export class TcHook {
  tcx: readonly TcxEntry[] = [];
  filters: readonly ClsactFilter[] = [];

  get empty(): boolean {
    return this.tcx.length === 0 && this.filters.length === 0;
  }
}
