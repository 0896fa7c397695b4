import { BpfError } from "../base/index.js";
import type { ObjectSpec, ProgramSpec } from "../spec/index.js";
import { typedCodec } from "./btf-codec.js";
import type { LoadedObject, LoadOptions, ObjectShape } from "./host.js";
import type { BpfMap } from "./map.js";
import type { Program } from "./program.js";
import { Variable } from "./variable.js";

/** What one load created, under the names that the object has for it: the {@link LoadedObject} of both hosts. */
export class LoadedParts<Shape extends ObjectShape = ObjectShape> implements LoadedObject<Shape> {
  readonly name: string;
  readonly maps: Shape["maps"];
  readonly programs: Shape["programs"];
  readonly variables: Shape["variables"];
  readonly #owned: readonly { close(): void }[];

  /** @param owned what `close()` closes: not the maps that were given to the load. */
  constructor(
    name: string,
    parts: {
      readonly maps: ReadonlyMap<string, BpfMap>;
      readonly programs: ReadonlyMap<string, Program>;
      readonly variables: ReadonlyMap<string, Variable>;
    },
    owned: readonly { close(): void }[],
  ) {
    this.name = name;
    this.maps = Object.fromEntries(parts.maps) as Shape["maps"];
    this.programs = Object.fromEntries(parts.programs) as Shape["programs"];
    this.variables = Object.fromEntries(parts.variables) as Shape["variables"];
    this.#owned = owned;
  }

  map(name: string): BpfMap {
    return find(this.maps as Readonly<Record<string, BpfMap>>, name, "map", "NO_SUCH_MAP");
  }

  program(name: string): Program {
    return find(this.programs as Readonly<Record<string, Program>>, name, "program", "NO_SUCH_PROGRAM");
  }

  close(): void {
    for (const part of this.#owned) part.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @throws BpfError `code`, naming what there is. */
function find<T>(parts: Readonly<Record<string, T>>, name: string, what: string, code: string): T {
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (part !== undefined) return part;
  const names = Object.keys(parts).join(", ") || "none";
  throw new BpfError(code, `there is no ${what} '${name}', only: ${names}`, { name });
}

/** The programs that a load is asked for, under their names in the object. @throws BpfError `"NO_SUCH_PROGRAM"` */
export function* chosenPrograms(
  object: ObjectSpec,
  options: Pick<LoadOptions, "programs">,
): IterableIterator<[string, ProgramSpec]> {
  if (options.programs === undefined) {
    for (const entry of object.programs) if (entry[1].autoload) yield entry;
    return;
  }
  for (const name of options.programs) {
    const spec = object.programs.get(name);
    if (spec === undefined) {
      const known = [...object.programs.keys()].join(", ") || "none";
      throw new BpfError("NO_SUCH_PROGRAM", `there is no program '${name}', only: ${known}`, { name });
    }
    yield [name, spec];
  }
}

/** The object's global variables, live in those of its maps that were created. */
export function liveVariables(object: ObjectSpec, maps: ReadonlyMap<string, BpfMap>): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  for (const [name, spec] of object.variables) {
    const map = maps.get(spec.map);
    if (map === undefined) continue;
    variables.set(name, new Variable(spec, map.raw, typedCodec(object.btf, spec.typeId, spec.size)) as Variable);
  }
  return variables;
}
