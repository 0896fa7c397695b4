import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";

/** How a program takes part in an event. */
export type HookKind =
  | "tracepoint"
  | "raw_tracepoint"
  | "kprobe"
  | "kretprobe"
  | "fentry"
  | "fexit"
  | "fmod_ret"
  | "lsm"
  | "uprobe"
  | "uretprobe"
  | "perf_event";

/** A program at a hook. */
export interface HookEntry {
  readonly kind: HookKind;
  readonly link: MachineLink;
  readonly program: MachineProgram;
  readonly cookie: bigint;
  /** Only events of this process; undefined for all. */
  readonly pid?: number | undefined;
  /** Runs at both ends of a function; what it returns at the first decides about the second. */
  readonly session?: boolean | undefined;
  /** Period of a perf event. */
  readonly period?: number | undefined;
}

/** Programs by the events that they wait for, in the order in which they came. */
export class HookTable {
  readonly #entries = new Map<string, readonly HookEntry[]>();

  at(event: string): readonly HookEntry[] {
    return this.#entries.get(event) ?? [];
  }

  add(event: string, entry: HookEntry): void {
    this.#entries.set(event, [...this.at(event), entry]);
  }

  remove(event: string, entry: HookEntry): void {
    const left = this.at(event).filter((each) => each !== entry);
    if (left.length === 0) this.#entries.delete(event);
    else this.#entries.set(event, left);
  }
}

/** How events are named in a {@link HookTable}. */
export const eventName = {
  tracepoint: (name: string) => `tracepoint ${name}`,
  rawTracepoint: (name: string) => `raw tracepoint ${name}`,
  function: (symbol: string, offset = 0) => `function ${symbol}+${offset}`,
  lsm: (hook: string) => `lsm ${hook}`,
  user: (path: string, symbol: string | undefined, offset = 0) => `user ${path} ${symbol ?? ""}+${offset}`,
  perf: (type: number, config: number | bigint) => `perf ${type}/${config}`,
} as const;
