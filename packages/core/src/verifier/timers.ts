import type { Analysis } from "./analysis.js";
import { isConstant, MAP_UID, OBJECT, OFF, registerAt, VALUE } from "./domain/register.js";
import type { VerifierMap } from "./input.js";
import { findField, type MapFieldKind } from "./map-fields.js";
import { mapIn } from "./map-values.js";
import type { Walk } from "./walk.js";

/** Takes note of the map that a call's first pointer lies in. */
export interface NotedMap {
  map: VerifierMap | undefined;
  mapObject: number;
  mapUid: number;
}

/** A pointer to the timer, work queue or task work in a map's value. */
export function checkMapField(
  walk: Walk,
  noted: NotedMap,
  register: number,
  kind: Extract<MapFieldKind, "timer" | "workqueue" | "task_work">,
  name: string,
): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const map = mapIn(walk, register);
  if (!isConstant(records, at)) {
    analysis.invalid("argument", `R${register} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  if (map.btf === undefined) {
    analysis.invalid("argument", `map '${map.name}' has to have BTF in order to use ${name}`);
  }
  const field = findField(analysis, map, kind);
  if (field === undefined) analysis.invalid("argument", `map '${map.name}' has no valid ${name}`);
  const offset = records[at + OFF]! + records[at + VALUE]!;
  if (offset !== field.offset) {
    analysis.invalid("argument", `off ${offset} doesn't point to 'struct ${name}' that is at ${field.offset}`);
  }
  noted.map = map;
  noted.mapObject = records[at + OBJECT]!;
  noted.mapUid = records[at + MAP_UID]!;
}
