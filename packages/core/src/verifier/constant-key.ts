import { mapTypeName } from "../abi/index.js";
import { isConstant, OFF, registerAt, slotAt, TYPE, VALUE } from "./domain/register.js";
import type { VerifierMap } from "./input.js";
import { STACK } from "./pointer-types.js";
import { linkedSlot } from "./precision.js";
import { pointedFrame, slotOfOffset } from "./stack-access.js";
import { BYTE_SPILL, BYTE_ZERO } from "./state.js";
import type { Walk } from "./walk.js";

/**
 * The key of a lookup where it is known: an array always has a value for an index below its size, so that the result
 * can't be null. -1 where it isn't known, or the map no array.
 */
export function constantKey(walk: Walk, register: number, map: VerifierMap): number {
  const { analysis } = walk;
  const type = mapTypeName(map.type);
  if ((type !== "array" && type !== "percpu_array") || !analysis.hasBpf) return -1;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + TYPE] !== STACK || !isConstant(records, at)) return -1;
  const offset = records[at + OFF]! + records[at + VALUE]!;
  const frame = pointedFrame(walk, register);
  const slot = slotOfOffset(offset);
  const first = (-offset - 1) & 7;
  const run = (kind: number) => {
    let length = 0;
    while (first - length >= 0 && frame.byte(slot, first - length) === kind) length++;
    return length;
  };
  if (run(BYTE_ZERO) >= map.keySize) return 0;
  if (!frame.holdsScalarSpill(slot) || run(BYTE_SPILL) !== map.keySize) return -1;
  const spill = slotAt(slot);
  if (!isConstant(frame.records, spill)) return -1;
  walk.precision.markSet(analysis.state, [linkedSlot(frame.number, slot)]);
  return frame.records[spill + VALUE + 1] === 0 ? frame.records[spill + VALUE]! >>> 0 : -1;
}
