import { SyscallError, type SyscallFailure } from "../base/index.js";
import type { LineRecord } from "../spec/index.js";

/** Where a verifier said no. */
export interface VerifierFailure extends SyscallFailure {
  /** The program's name. */
  readonly program: string;
  /** The verifier's own last sentence, e.g. `"R1 type=scalar expected=ctx"`. */
  readonly reason: string;
  /** The slot it stopped at, where known. */
  readonly slot?: number | undefined;
  /** The source line of that slot, where the program has line records. */
  readonly line?: LineRecord | undefined;
}

/** A host refused a program after looking at its instructions. */
export class VerifierError extends SyscallError {
  readonly program: string;
  readonly reason: string;
  readonly slot: number | undefined;
  readonly line: LineRecord | undefined;

  constructor(failure: VerifierFailure, cause?: unknown) {
    super(describe(failure), failure, cause);
    this.program = failure.program;
    this.reason = failure.reason;
    this.slot = failure.slot;
    this.line = failure.line;
  }
}

function describe({ program, reason, slot, line }: VerifierFailure): string {
  const where = line === undefined ? "" : ` at ${line.file}:${line.line}`;
  const insn = slot === undefined ? "" : ` (instruction ${slot})`;
  const text = line === undefined || line.text === "" ? "" : `\n    ${line.text.trim()}`;
  return `the verifier refuses program '${program}'${where}${insn}: ${reason}${text}`;
}
