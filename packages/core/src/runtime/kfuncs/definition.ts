import type { Environment } from "../environment.js";
import type { Helper, HelperFunction, HelperTable } from "../helper-table.js";

/** Adds a kernel function, by its whole name. */
export type DefineKfunc = (
  name: string,
  result: Helper["result"],
  run: HelperFunction,
  options?: { readonly wide?: boolean; readonly needsKernelTypes?: boolean },
) => void;

/** One family of kernel functions: defines what it has over an environment. */
export type KfuncFamily = (define: DefineKfunc, environment: Environment) => void;

/** What a call of a weak kernel function leads to that isn't there. */
export const MISSING_KFUNC = 0;

/** Puts the kernel functions of `families` into `table`. Returns their ids there, by name. */
export function defineKfuncs(
  table: HelperTable,
  environment: Environment,
  families: readonly KfuncFamily[],
): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const missing = () => environment.runtime.fault("the program called a weak kernel function that is missing");
  table.define(MISSING_KFUNC, { name: "missing", result: "int", wide: false, run: missing });
  for (const family of families) {
    family((name, result, run, options) => {
      ids.set(name, ids.size + 1);
      const { wide = false, needsKernelTypes = false } = options ?? {};
      table.define(ids.size, { name, result, run, wide, needsKernelTypes });
    }, environment);
  }
  return ids;
}
