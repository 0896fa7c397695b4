/** What a program is called where code is listed. */
export interface ProgramIdentity {
  /** 8 bytes in hex. */
  readonly tag: string;
  /** Names of the program's functions by their first slots; the program itself is at slot 0. */
  readonly functions: ReadonlyMap<number, string>;
}

/** A function's code, as a line of /proc/kallsyms. */
export interface JitSymbol {
  /** `bpf_prog_<tag>_<name>`, which stack traces and profilers show as well. */
  readonly name: string;
  /** Where prog arrays find the program: WebAssembly's code has no address of its own. */
  readonly address: number;
  /** Bytes of WebAssembly. */
  readonly size: number;
}

/** Name of the code of the function that starts at `entry`. Functions without one are called F, as in the kernel. */
export function symbolName(name: string, identity: ProgramIdentity | undefined, entry: number): string {
  if (identity === undefined) return entry === 0 ? name : `${name}_function_${entry}`;
  return `bpf_prog_${identity.tag}_${identity.functions.get(entry) ?? (entry === 0 ? name : "F")}`;
}
