import type { GlobalIndex, ModuleBuilder } from "../../wasm/index.js";
import { type Expression, globalValue } from "./expression.js";
import type { Callable } from "./procedure.js";

/** What the parts of the map core share while the module is being written. */
export interface CoreScope {
  readonly module: ModuleBuilder;
  /** The running CPU's number. */
  readonly cpu: Expression;
  /** `(map) -> errno`: gives a map's element pool more memory. Written in TypeScript, because it allocates. */
  readonly grow: Callable;
}

export function createScope(module: ModuleBuilder, cpu: GlobalIndex, grow: Callable): CoreScope {
  return { module, cpu: globalValue(cpu), grow };
}
