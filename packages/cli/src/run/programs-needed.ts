import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";

/** Names of the programs that a run of `program` loads: itself, and those that prog arrays hold from the start. */
export function programsNeeded(object: ObjectSpec, program: ProgramSpec): string[] {
  const names = new Set([nameOf(object, program)]);
  for (const map of object.maps.values()) {
    for (const { value } of map.contents) if ("program" in value) names.add(value.program);
  }
  return [...names];
}

/** The key of a program in its object, which stays when the program is renamed. */
function nameOf(object: ObjectSpec, program: ProgramSpec): string {
  for (const [name, spec] of object.programs) if (spec === program) return name;
  return program.name;
}
