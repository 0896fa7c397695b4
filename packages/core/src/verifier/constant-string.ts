import { ENOTSUPP, mapTypeName } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { isConstant, OFF, registerAt, VALUE } from "./domain/register.js";
import { MAP_READ_ONLY_PROGRAM } from "./input.js";
import { checkMapValueRegion, mapIn } from "./map-values.js";
import type { Walk } from "./walk.js";

/** A string in a map that can't change (format strings and the like), a character a byte. */
export function checkConstantString(walk: Walk, register: number): string {
  const analysis: Analysis = walk.analysis;
  const map = mapIn(walk, register);
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (map.frozen !== true || (map.flags & MAP_READ_ONLY_PROGRAM) === 0) {
    analysis.deny("argument", `R${register} does not point to a readonly map'`);
  }
  if (!isConstant(records, at)) analysis.deny("argument", `R${register} is not a constant address'`);
  if (mapTypeName(map.type) !== "array") {
    analysis.deny("argument", "no direct value access support for this map type");
  }
  const off = records[at + OFF]!;
  checkMapValueRegion(walk, register, off, map.valueSize - off, false, false);
  if (map.maxEntries !== 1) analysis.reject("argument", ENOTSUPP, "direct value access on string failed");
  if (map.contents === undefined) analysis.notModelled("a constant string in a map of unknown contents");
  const start = off + records[at + VALUE]!;
  const end = map.contents.subarray(0, map.valueSize).indexOf(0, start);
  if (end < 0) analysis.invalid("argument", "string is not zero-terminated");
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(map.contents[at]!);
  return text;
}
