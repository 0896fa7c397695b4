import type { ProgramType } from "./program-types.js";

// biome-ignore format: one row a number
const xdpActions: Readonly<Record<number, string>> = {
  0: "XDP_ABORTED", 1: "XDP_DROP", 2: "XDP_PASS", 3: "XDP_TX", 4: "XDP_REDIRECT",
};

// biome-ignore format: one row a number
const tcActions: Readonly<Record<number, string>> = {
  [-1]: "TC_ACT_UNSPEC", 0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT", 3: "TC_ACT_PIPE", 4: "TC_ACT_STOLEN",
  5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT", 7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP",
};

/**
 * What a packet program's return value means at its hook, by the names of the UAPI headers (`enum xdp_action`,
 * `TC_ACT_*`); values without a name come as `XDP_UNKNOWN(9)` and the like. A socket filter returns how many bytes of the
 * packet it keeps, which is told as `DROP` (0) or `ACCEPT`. Other types answer their value in decimal.
 *
 * @param returnValue r0's low 32 bits, signed or unsigned.
 */
export function verdictName(type: ProgramType, returnValue: number): string {
  const signed = returnValue | 0;
  switch (type) {
    case "xdp":
      return xdpActions[signed] ?? `XDP_UNKNOWN(${signed >>> 0})`;
    case "sched_cls":
    case "sched_act":
      return tcActions[signed] ?? `TC_ACT_UNKNOWN(${signed})`;
    case "socket_filter":
      return signed === 0 ? "DROP" : "ACCEPT";
    default:
      return String(signed);
  }
}
