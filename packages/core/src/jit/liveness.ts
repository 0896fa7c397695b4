import { HELPER_TAIL_CALL } from "../abi/index.js";
import { type InstructionRow, namedDestination } from "../isa/index.js";
import type { DecodedProgram } from "../runtime/index.js";
import { type FlowGraph, slotAfter } from "./flow-graph.js";

const ARGUMENTS = 0b111110;

/**
 * The registers, a bit each, that a function reads before it writes them. Calls are taken to read r1 to r5 and, as the
 * verifier has it, to leave r1 to r5 without a value.
 */
export function liveAtEntry(program: DecodedProgram, graph: FlowGraph): number {
  const reads = new Uint16Array(graph.length);
  const writes = new Uint16Array(graph.length);
  for (let block = 0; block < graph.length; block++) {
    for (let slot = graph.start[block]!; slot < graph.end[block]!; slot = slotAfter(program, slot)) {
      const row = program.rows[slot];
      if (row === undefined) continue;
      reads[block]! |= readsOf(program, slot, row) & ~writes[block]!;
      writes[block]! |= writesOf(program, slot, row);
    }
  }
  const live = reads.slice();
  for (let changed = true; changed; ) {
    changed = false;
    for (let block = graph.length - 1; block >= 0; block--) {
      let after = 0;
      if (graph.next[block]! >= 0) after |= live[graph.next[block]!]!;
      if (graph.taken[block]! >= 0) after |= live[graph.taken[block]!]!;
      const before = reads[block]! | (after & ~writes[block]!);
      if (before !== live[block]) {
        live[block] = before;
        changed = true;
      }
    }
  }
  return live[0]!;
}

function readsOf({ slots }: DecodedProgram, slot: number, row: InstructionRow): number {
  const dst = 1 << slots.dst[slot]!;
  const src = 1 << slots.src[slot]!;
  switch (row.kind) {
    case "alu":
      return (row.operation === "mov" ? 0 : dst) | (row.source === "reg" ? src : 0);
    case "neg":
    case "byte_swap":
      return dst;
    case "movsx":
    case "addr_space_cast":
    case "load":
    case "load_acquire":
      return src;
    case "store":
    case "branch":
      return dst | (row.source === "reg" ? src : 0);
    case "store_release":
      return dst | src;
    case "atomic":
      return dst | src | (row.operation === "cmpxchg" ? 1 : 0);
    case "load_packet":
      return (1 << 6) | (row.mode === "ind" ? src : 0);
    case "call":
      return ARGUMENTS | (row.target === "register" ? dst : 0);
    case "exit":
      return 1;
    case "load_imm64":
    case "goto":
    case "may_goto":
      return 0;
  }
}

function writesOf({ slots }: DecodedProgram, slot: number, row: InstructionRow): number {
  const named = namedDestination(row, slots.dst[slot]!, slots.src[slot]!);
  if (named !== undefined) return 1 << named;
  switch (row.kind) {
    case "atomic":
      return row.fetch ? 1 : 0;
    case "load_packet":
      return 1 | ARGUMENTS;
    case "call":
      // A tail call that doesn't happen leaves r0.
      return row.target === "helper" && slots.imm[slot] === HELPER_TAIL_CALL ? ARGUMENTS : 1 | ARGUMENTS;
    default:
      return 0;
  }
}
