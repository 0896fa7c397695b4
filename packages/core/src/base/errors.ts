/**
 * Every error that tsbpf throws is a {@link BpfError}; `code` is a literal that programs can switch on and `details`
 * holds what the message says as values. Verifier rejections and runtime faults are values, not errors, until a host's
 * `load()` wraps them.
 */
export class BpfError<Code extends string = string> extends Error {
  /** Stable, machine-readable name of what went wrong, e.g. `"FORMAT"`. */
  readonly code: Code;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = Object.freeze({ ...details });
  }
}

/** Where in a binary input something was found: the section (ELF section, BTF part, pcap block) and its byte offset. */
export interface FormatPlace {
  readonly section?: string | undefined;
  /** Bytes from the start of `section`, or from the start of the file where there is no section. */
  readonly offset?: number | undefined;
}

/** Input bytes are not what their format promises: truncated, contradictory or out of range. */
export class FormatError extends BpfError<"FORMAT"> {
  readonly section: string | undefined;
  /** Bytes from the start of {@link section}, or of the file. */
  readonly offset: number | undefined;

  constructor(message: string, place: FormatPlace = {}, cause?: unknown) {
    super("FORMAT", message + describePlace(place), { section: place.section, offset: place.offset }, cause);
    this.section = place.section;
    this.offset = place.offset;
  }
}

function describePlace({ section, offset }: FormatPlace): string {
  const parts: string[] = [];
  if (section !== undefined) parts.push(`in ${section}`);
  if (offset !== undefined) parts.push(`at byte ${offset}`);
  return parts.length === 0 ? "" : ` (${parts.join(" ")})`;
}

/** Assembly source that cannot be assembled. Lines and columns count from 1. */
export class AssembleError extends BpfError<"ASSEMBLE"> {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super("ASSEMBLE", `${line}:${column}: ${message}`, { line, column });
    this.line = line;
    this.column = column;
  }
}

/** The host, the engine or the asked-for kernel lacks something that the input needs. */
export class NotSupportedError extends BpfError<"NOT_SUPPORTED"> {
  readonly feature: string;
  /** The first kernel that has the feature, e.g. `"5.8"`, where it is a matter of the kernel's age. */
  readonly since: string | undefined;

  constructor(feature: string, message: string, since?: string, cause?: unknown) {
    super("NOT_SUPPORTED", message, { feature, since }, cause);
    this.feature = feature;
    this.since = since;
  }
}

/** What a call refused by a host's kernel side carries; the Machine answers with the kernel's own errno. */
export interface SyscallFailure {
  /** The bpf(2) command or system call, e.g. `"BPF_MAP_CREATE"`. */
  readonly command: string;
  /** Positive errno. */
  readonly errno: number;
  /** Its name, e.g. `"EPERM"`. */
  readonly errnoName: string;
  /** The verifier's or BTF checker's log, where the call has one. */
  readonly log?: string | undefined;
}

/** A host call failed with an errno. `details` repeats the {@link SyscallFailure}. */
export class SyscallError extends BpfError<"SYSCALL"> implements SyscallFailure {
  readonly command: string;
  readonly errno: number;
  readonly errnoName: string;
  readonly log: string | undefined;

  constructor(message: string, failure: SyscallFailure, cause?: unknown) {
    super("SYSCALL", message, { ...failure }, cause);
    this.command = failure.command;
    this.errno = failure.errno;
    this.errnoName = failure.errnoName;
    this.log = failure.log;
  }
}
