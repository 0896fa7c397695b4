import type { LiveMap } from "../maps/index.js";
import type { CallTables, DecodedProgram } from "../runtime/index.js";
import type { FunctionBuilder, FunctionIndex, SignatureIndex, TableIndex } from "../wasm/index.js";
import type { Blinding } from "./blinding.js";
import type { FlowGraph } from "./flow-graph.js";
import type { InlineHelper } from "./inline-helpers.js";
import type { CodeMarks } from "./listing.js";
import type { ModuleImports } from "./module-imports.js";

/** A function of the program in WebAssembly. */
export interface ModuleFunction {
  /** Slot of its first instruction. */
  readonly entry: number;
  readonly graph: FlowGraph;
  /** Registers among r1 to r5 that it gets as parameters, behind the frame and the budget. */
  readonly parameters: readonly number[];
  readonly builder: FunctionBuilder;
}

/** What everything in one program's module shares. */
export interface SharedParts {
  readonly program: DecodedProgram;
  readonly tables: CallTables;
  /**
   * Whether every access is checked and the execution area holds all registers wherever the interpreter's would be seen:
   * for programs that nobody verified.
   */
  readonly checked: boolean;
  /** Slots of accesses that are checked although the others aren't, because the pointer may lead anywhere. */
  readonly risky: ReadonlySet<number>;
  /** What stands in place of helper calls, by slots. */
  readonly inlined: ReadonlyMap<number, InlineHelper>;
  /** Prog arrays that tail calls go through, by slots, where they are known. */
  readonly callMaps: ReadonlyMap<number, LiveMap>;
  readonly imports: ModuleImports;
  /** Hides the program's constants, where they are to be hidden. */
  readonly blinding: Blinding | undefined;
  /** Notes what is wanted for a listing. */
  readonly marks: CodeMarks | undefined;
  /** Addresses of the records of functions that lddws load, by the functions' first slots. */
  readonly functionRecords: ReadonlyMap<number, number>;
  /** Writes the program's record, which after tail calls only its own code knows, registers, position and budget to the area: (frame, slot, left, r0 ... r9). */
  readonly spill: FunctionIndex;
  /** Ends the run because its budget is used up: (frame, slot, left). */
  readonly exhausted: FunctionIndex;
  /** Of a program's entry: (frame, left, r1) -> (r0, left). */
  readonly entrySignature: SignatureIndex;
  /** The functions whose address the program takes, in the order of `functionRecords`. */
  readonly callbacks: TableIndex;
  readonly callbackSignature: SignatureIndex;
  /** Registers that callbacks get as parameters. */
  readonly callbackRegisters: readonly number[];
  /** Whether the engine has WebAssembly's tail calls. */
  readonly tailCalls: boolean;
  /** `Runtime.timeAddress` */
  readonly timeAddress: number;
}

/** What the functions that call each other share. */
export interface ModuleParts extends SharedParts {
  /**
   * Whether its code counts what it executes and tests the budget and the depth of calls. Code that doesn't runs only
   * from the first frame on, with enough of the budget left.
   */
  readonly metered: boolean;
  /** By their first slots. */
  readonly functions: ReadonlyMap<number, ModuleFunction>;
}
