import { helperNumbers } from "../../abi/index.js";
import { BpfError } from "../../base/index.js";
import type { Environment } from "../environment.js";
import type { Helper, HelperFunction, HelperTable } from "../helper-table.js";

/** Adds a helper, by its name without `bpf_`, to the table that is being assembled. */
export type Define = (
  name: string,
  result: Helper["result"],
  run: HelperFunction,
  options?: { readonly wide?: boolean; readonly needsKernelTypes?: boolean },
) => void;

/** One family of helpers: defines what it has over an environment. */
export type HelperFamily = (define: Define, environment: Environment) => void;

/** The number of a helper (`BPF_FUNC_*`) by its name without `bpf_`. @throws BpfError `"UNKNOWN_HELPER"` */
export function helperId(name: string): number {
  const id = helperNumbers.get(`bpf_${name}`);
  if (id === undefined) throw new BpfError("UNKNOWN_HELPER", `there is no helper bpf_${name}`, { name });
  return id;
}

/** Puts the helpers of `families` into `table`. */
export function defineHelpers(table: HelperTable, environment: Environment, families: readonly HelperFamily[]): void {
  const define: Define = (name, result, run, options) => {
    const { wide = false, needsKernelTypes = false } = options ?? {};
    table.define(helperId(name), { name, result, run, wide, needsKernelTypes });
  };
  for (const family of families) family(define, environment);
}
