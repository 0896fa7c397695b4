import { BPF_PSEUDO_CALL, OPCODE_CALL, SLOT_SIZE } from "@tsbpf/core/isa";
import type { ProgramSpec } from "@tsbpf/core/spec";
import type { LiveLayout } from "./live-host.js";

/**
 * A Machine's program as the kernel describes one: maps by their ids, calls of subprograms by number and distance.
 *
 * @param mapIds The program's maps, in the order in which its references name them first.
 */
export function describedLayout(spec: ProgramSpec, mapIds: readonly number[]): LiveLayout {
  const xlated = spec.insns.slice();
  const view = new DataView(xlated.buffer);
  const names: string[] = [];
  for (const reference of spec.references) {
    if (reference.kind !== "map" && reference.kind !== "map_value") continue;
    if (!names.includes(reference.map)) names.push(reference.map);
    view.setInt32(reference.slot * SLOT_SIZE + 4, mapIds[names.indexOf(reference.map)] ?? 0, true);
  }
  numberCalls(spec, xlated, view);
  return {
    xlated,
    jited: new Uint8Array(0),
    functions: spec.functions.map(({ slot, typeId }) => ({ slot, typeId })),
    nativeFunctions: [],
    lines: spec.lines,
    nativeLines: [],
  };
}

function numberCalls(spec: ProgramSpec, xlated: Uint8Array, view: DataView): void {
  const numbers = new Map(spec.functions.map(({ slot }, index) => [slot, index]));
  for (let slot = 0; slot < xlated.length / SLOT_SIZE; slot++) {
    const at = slot * SLOT_SIZE;
    if (xlated[at] !== OPCODE_CALL || xlated[at + 1]! >> 4 !== BPF_PSEUDO_CALL) continue;
    const distance = view.getInt32(at + 4, true);
    view.setInt16(at + 2, distance, true);
    view.setInt32(at + 4, numbers.get(slot + 1 + distance) ?? 0, true);
  }
}
