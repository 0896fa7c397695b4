import type { InstructionRow } from "./row.js";

/**
 * The register that an instruction writes and names as one of its operands; undefined where there is none. What calls,
 * loads of packets and cmpxchg leave in r0 isn't named.
 */
export function namedDestination(row: InstructionRow, dst: number, src: number): number | undefined {
  switch (row.kind) {
    case "alu":
    case "neg":
    case "movsx":
    case "byte_swap":
    case "addr_space_cast":
    case "load_imm64":
    case "load":
    case "load_acquire":
      return dst;
    case "atomic":
      return row.fetch && row.operation !== "cmpxchg" ? src : undefined;
    default:
      return undefined;
  }
}
