import { schedClsContext, socketFilterContext, xdpContext } from "./contexts.js";
import type { HelperGrant, ProgramRules } from "./program-rules.js";
import type { ProgramType } from "./program-types.js";

function grants(...helpers: string[]): HelperGrant[] {
  return helpers.map((helper) => ({ helper }));
}

/** Helpers of every program type that has any (`bpf_base_func_proto`). */
const baseHelpers: readonly HelperGrant[] = [
  ...grants("map_lookup_elem", "map_update_elem", "map_delete_elem", "ktime_get_ns", "get_prandom_u32"),
  ...grants("get_smp_processor_id", "tail_call", "ktime_get_boot_ns"),
  ...grants("ringbuf_output", "ringbuf_reserve", "ringbuf_submit", "ringbuf_discard"),
  ...["spin_lock", "spin_unlock", "for_each_map_elem", "loop"].map((helper) => ({
    helper,
    capability: "bpf" as const,
  })),
  { helper: "trace_printk", capability: "perfmon" },
];

/** What the verifier needs to know of each program type. */
export const programRules: readonly ProgramRules[] = [
  {
    type: "socket_filter",
    context: socketFilterContext,
    packet: "none",
    loadsSkb: true,
    helpers: [...baseHelpers, ...grants("skb_load_bytes", "perf_event_output")],
    returns: [],
  },
  {
    type: "sched_cls",
    context: schedClsContext,
    packet: "read_write",
    loadsSkb: true,
    helpers: [
      ...baseHelpers,
      ...grants("skb_store_bytes", "skb_load_bytes", "skb_pull_data", "l3_csum_replace", "l4_csum_replace"),
      ...grants("csum_diff", "redirect", "perf_event_output", "fib_lookup", "check_mtu"),
      ...grants("sk_lookup_tcp", "sk_lookup_udp", "sk_release"),
    ],
    returns: [],
  },
  {
    type: "xdp",
    context: xdpContext,
    packet: "read_write",
    helpers: [
      ...baseHelpers,
      ...grants("perf_event_output", "csum_diff", "xdp_adjust_head", "xdp_adjust_meta", "xdp_adjust_tail"),
      ...grants("redirect", "redirect_map", "fib_lookup", "check_mtu", "sk_lookup_tcp", "sk_lookup_udp", "sk_release"),
    ],
    returns: [],
  },
];

const byType: ReadonlyMap<string, ProgramRules> = new Map(programRules.map((rules) => [rules.type, rules]));

/** The rules of a program type, or undefined while the table has none for it. */
export function rulesOfProgramType(type: ProgramType): ProgramRules | undefined {
  return byType.get(type);
}
