import { HELPER_TAIL_CALL } from "../abi/index.js";
import type { InstructionRow } from "../isa/index.js";
import type { LiveMap } from "../maps/index.js";
import type { DecodedProgram } from "../runtime/index.js";
import { slotAfter } from "./flow-graph.js";
import type { ProgramFunction } from "./program-functions.js";

const FIRST_ARGUMENT = 1;
const SECOND_ARGUMENT = 2;

/**
 * The map that each helper call is made with, where the same block loads its address: by slots. Compilers load it right
 * before the call.
 */
export function findCallMaps(
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  mapAt: (address: number) => LiveMap | undefined,
): Map<number, LiveMap> {
  const found = new Map<number, LiveMap>();
  const known: (LiveMap | undefined)[] = new Array(11).fill(undefined);
  for (const { graph } of functions) {
    for (let block = 0; block < graph.length; block++) {
      known.fill(undefined);
      const end = Math.min(graph.end[block]!, program.slots.length);
      for (let slot = graph.start[block]!; slot < end; slot = slotAfter(program, slot)) {
        const row = program.rows[slot]!;
        if (row.kind === "call") {
          const tail = row.target === "helper" && program.slots.imm[slot] === HELPER_TAIL_CALL;
          const map = known[tail ? SECOND_ARGUMENT : FIRST_ARGUMENT];
          if (map !== undefined && row.target === "helper") found.set(slot, map);
          known.fill(undefined, 0, 6);
        } else follow(program, slot, row, known, mapAt);
      }
    }
  }
  return found;
}

function follow(
  { slots }: DecodedProgram,
  slot: number,
  row: InstructionRow,
  known: (LiveMap | undefined)[],
  mapAt: (address: number) => LiveMap | undefined,
): void {
  const dst = slots.dst[slot]!;
  switch (row.kind) {
    case "load_imm64":
      known[dst] = row.source === "map_fd" && slots.imm[slot + 1] === 0 ? mapAt(slots.imm[slot]! >>> 0) : undefined;
      break;
    case "alu":
      known[dst] =
        row.operation === "mov" && row.width === 64 && row.source === "reg" ? known[slots.src[slot]!] : undefined;
      break;
    case "store":
    case "store_release":
    case "branch":
    case "goto":
    case "may_goto":
    case "exit":
      break;
    case "atomic":
      known[row.operation === "cmpxchg" ? 0 : slots.src[slot]!] = undefined;
      break;
    case "load_packet":
      known.fill(undefined, 0, 6);
      break;
    default:
      known[dst] = undefined;
  }
}
