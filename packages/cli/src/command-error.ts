import { type ExitStatus, exitStatus } from "./exit-status.js";

/** Something that the person at the command line can mend. Its message is the one line that they see. */
export class CommandError extends Error {
  readonly status: ExitStatus;
  /** A second line: what to do instead. */
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; status?: ExitStatus; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CommandError";
    this.hint = options.hint;
    this.status = options.status ?? exitStatus.failed;
  }
}

/** A word on the command line that isn't right. */
export class UsageError extends CommandError {
  constructor(message: string, hint?: string) {
    super(message, { status: exitStatus.usage, ...(hint === undefined ? {} : { hint }) });
    this.name = "UsageError";
  }
}
