import { schedClsContext, socketFilterContext, xdpContext } from "./contexts.js";
import { baseHelpers, helperGrants } from "./helper-grants.js";
import type { ProgramRules } from "./program-rules.js";
import type { ProgramType } from "./program-types.js";

/** What the verifier needs to know of each program type. */
export const programRules: readonly ProgramRules[] = [
  {
    type: "socket_filter",
    context: socketFilterContext,
    packet: "none",
    loadsSkb: true,
    helpers: [...baseHelpers, ...helperGrants.socket_filter],
    returns: [],
  },
  {
    type: "sched_cls",
    context: schedClsContext,
    packet: "read_write",
    loadsSkb: true,
    helpers: [...baseHelpers, ...helperGrants.sched_cls],
    returns: [],
  },
  {
    type: "xdp",
    context: xdpContext,
    packet: "read_write",
    helpers: [...baseHelpers, ...helperGrants.xdp],
    returns: [],
  },
];

const byType: ReadonlyMap<string, ProgramRules> = new Map(programRules.map((rules) => [rules.type, rules]));

/** The rules of a program type, or undefined while the table has none for it. */
export function rulesOfProgramType(type: ProgramType): ProgramRules | undefined {
  return byType.get(type);
}
