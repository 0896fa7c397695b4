import { type AttachType, EPERM, MAX_ERRNO } from "../../abi/index.js";
import type { RunContext } from "../../runtime/index.js";
import type { Cgroup } from "../cgroup/index.js";
import type { Namespace } from "./namespace.js";
import type { ProgramRun } from "./program-run.js";

/** Runs the programs that are effective for a cgroup. */
export class CgroupPrograms {
  readonly #programs: ProgramRun;

  constructor(programs: ProgramRun) {
    this.#programs = programs;
  }

  /** Does anything run at this hook? */
  has(cgroup: Cgroup, type: AttachType): boolean {
    return cgroup.attachments.effective(type).length > 0;
  }

  /**
   * Runs all of them: 0, or the negative errno that the call gets. A program that returns 0 makes it EPERM, unless it has
   * said something else with bpf_set_retval().
   *
   * @param options.retval what the call would get without them; `each` sees what each program returned, and may say that
   * it has changed what the call gets; `before` sees what that is so far.
   */
  run(
    { cgroup, namespace, type }: { readonly cgroup: Cgroup; readonly namespace: Namespace; readonly type: AttachType },
    context: RunContext,
    options: {
      readonly retval?: number;
      before?(retval: number): void;
      each?(result: number): number | undefined;
    } = {},
  ): number {
    const { environment } = this.#programs;
    const outer = environment.cgroupRun;
    let retval = options.retval ?? 0;
    for (const { program, storage } of cgroup.attachments.effective(type)) {
      const run = { retval, storageKey: storage };
      environment.cgroupRun = run;
      options.before?.(retval);
      const result = this.#programs.runIn(program, context, namespace);
      retval = options.each?.(result) ?? run.retval;
      if ((result & 1) === 0 && !isError(retval)) retval = -EPERM;
    }
    environment.cgroupRun = outer;
    return retval;
  }
}

function isError(value: number): boolean {
  return value < 0 && value >= -MAX_ERRNO;
}
