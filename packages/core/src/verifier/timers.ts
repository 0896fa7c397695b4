import type { Analysis } from "./analysis.js";
import { isConstant, MAP_UID, OBJECT, OFF, registerAt, VALUE } from "./domain/register.js";
import type { CallArguments } from "./helper-arguments.js";
import { findField } from "./map-fields.js";
import { mapIn } from "./map-values.js";
import type { Walk } from "./walk.js";

/** A pointer to the timer in a map's value. */
export function checkTimer(walk: Walk, call: CallArguments, register: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const map = mapIn(walk, register);
  if (!isConstant(records, at)) {
    analysis.invalid(
      "argument",
      `R${register} doesn't have constant offset. bpf_timer has to be at the constant offset`,
    );
  }
  if (map.btf === undefined) {
    analysis.invalid("argument", `map '${map.name}' has to have BTF in order to use bpf_timer`);
  }
  const field = findField(analysis, map, "timer");
  if (field === undefined) analysis.invalid("argument", `map '${map.name}' has no valid bpf_timer`);
  const offset = records[at + OFF]! + records[at + VALUE]!;
  if (offset !== field.offset) {
    analysis.invalid("argument", `off ${offset} doesn't point to 'struct bpf_timer' that is at ${field.offset}`);
  }
  call.map = map;
  call.mapObject = records[at + OBJECT]!;
  call.mapUid = records[at + MAP_UID]!;
}
