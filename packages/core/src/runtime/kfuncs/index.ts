import type { Environment } from "../environment.js";
import { bitsKfuncs } from "./bits.js";
import { cpumaskKfuncs } from "./cpumask.js";
import { defineKfuncs } from "./definition.js";
import { dynptrKfuncs } from "./dynptr.js";
import { dynptrReadKfuncs } from "./dynptr-reads.js";
import { iteratorKfuncs } from "./iterators.js";
import { lockKfuncs } from "./locks.js";
import { objectKfuncs } from "./objects.js";
import { sectionKfuncs } from "./sections.js";
import { sessionKfuncs } from "./session.js";
import { stringKfuncs } from "./strings.js";
import { taskKfuncs } from "./tasks.js";
import { workQueueKfuncs } from "./work-queue.js";

export { MISSING_KFUNC } from "./definition.js";

const families = [
  bitsKfuncs,
  cpumaskKfuncs,
  dynptrKfuncs,
  dynptrReadKfuncs,
  iteratorKfuncs,
  lockKfuncs,
  objectKfuncs,
  sectionKfuncs,
  sessionKfuncs,
  stringKfuncs,
  taskKfuncs,
  workQueueKfuncs,
];

/** Puts every kernel function that is implemented into the runtime's table. Returns their ids there, by name. */
export function installKfuncs(environment: Environment): ReadonlyMap<string, number> {
  return defineKfuncs(environment.runtime.kfuncs, environment, families);
}
