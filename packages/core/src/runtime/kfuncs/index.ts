import type { Environment } from "../environment.js";
import { defineKfuncs } from "./definition.js";
import { dynptrKfuncs } from "./dynptr.js";
import { iteratorKfuncs } from "./iterators.js";
import { sectionKfuncs } from "./sections.js";
import { sessionKfuncs } from "./session.js";

export { MISSING_KFUNC } from "./definition.js";

/** Puts every kernel function that is implemented into the runtime's table. Returns their ids there, by name. */
export function installKfuncs(environment: Environment): ReadonlyMap<string, number> {
  return defineKfuncs(environment.runtime.kfuncs, environment, [
    dynptrKfuncs,
    iteratorKfuncs,
    sectionKfuncs,
    sessionKfuncs,
  ]);
}
