import {
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  decodeSlots,
  OPCODE_CALL,
  ReferencePatch,
} from "@tsbpf/core/isa";
import type { ProgramSpec } from "@tsbpf/core/spec";
import type { LiveLayout } from "./live-host.js";

/**
 * A Machine's program as the kernel describes one: maps by their ids, calls of subprograms by number and distance.
 *
 * @param mapIds The program's maps, in the order in which its references name them first.
 */
export function describedLayout(spec: ProgramSpec, mapIds: readonly number[]): LiveLayout {
  const code = new ReferencePatch(spec.insns);
  const ids = new Map<string, number>();
  for (const reference of spec.references) {
    if (reference.kind !== "map" && reference.kind !== "map_value") continue;
    const id = ids.get(reference.map) ?? mapIds[ids.size] ?? 0;
    ids.set(reference.map, id);
    if (reference.kind === "map") code.load(reference.slot, BPF_PSEUDO_MAP_FD, id, 0);
    else code.load(reference.slot, BPF_PSEUDO_MAP_VALUE, id, reference.offset);
  }
  numberCalls(spec, code);
  return {
    xlated: code.bytes,
    jited: new Uint8Array(0),
    functions: spec.functions.map(({ slot, typeId }) => ({ slot, typeId })),
    nativeFunctions: [],
    lines: spec.lines,
    nativeLines: [],
  };
}

function numberCalls({ functions }: ProgramSpec, code: ReferencePatch): void {
  const numbers = new Map(functions.map(({ slot }, index) => [slot, index]));
  const { opcode, src, imm } = decodeSlots(code.bytes);
  for (let slot = 0; slot < opcode.length; slot++) {
    if (opcode[slot] !== OPCODE_CALL || src[slot] !== BPF_PSEUDO_CALL) continue;
    const distance = imm[slot]!;
    code.call(slot, BPF_PSEUDO_CALL, numbers.get(slot + 1 + distance) ?? 0, distance);
  }
}
