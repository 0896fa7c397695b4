import type { Analysis } from "./analysis.js";
import { isHelperCall, isKfuncCall } from "./successors.js";

/** Numbers of the helpers that call back into the program. */
export const HELPER_FOR_EACH_MAP_ELEM = 164;
export const HELPER_TIMER_SET_CALLBACK = 170;
export const HELPER_FIND_VMA = 180;
export const HELPER_LOOP = 181;
export const HELPER_USER_RINGBUF_DRAIN = 209;

const syncHelpers: ReadonlySet<number> = new Set([
  HELPER_FOR_EACH_MAP_ELEM,
  HELPER_FIND_VMA,
  HELPER_LOOP,
  HELPER_USER_RINGBUF_DRAIN,
]);

const asyncKfuncs: ReadonlySet<string> = new Set([
  "bpf_wq_set_callback_impl",
  "bpf_task_work_schedule_signal_impl",
  "bpf_task_work_schedule_resume_impl",
]);

/** Does the call run a function of the program before it returns (`sync`), or leave it to be run later (`async`)? */
export function callbackMode(analysis: Analysis, slot: number): "sync" | "async" | undefined {
  const { insns } = analysis;
  if (isHelperCall(insns, slot)) {
    const helper = insns.imm[slot]!;
    if (syncHelpers.has(helper)) return "sync";
    return helper === HELPER_TIMER_SET_CALLBACK ? "async" : undefined;
  }
  if (!isKfuncCall(insns, slot)) return undefined;
  const name = analysis.kfuncAt(slot)?.name;
  if (name === "bpf_rbtree_add_impl") return "sync";
  return name !== undefined && asyncKfuncs.has(name) ? "async" : undefined;
}
