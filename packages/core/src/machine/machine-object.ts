import { BpfError } from "../base/index.js";
import type { BpfMap, LoadedObject, ObjectShape, Program, Variable } from "../host/index.js";

/** What one load created, under the names that the object has for it. */
export class MachineObject<Shape extends ObjectShape = ObjectShape> implements LoadedObject<Shape> {
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
export function find<T>(parts: Readonly<Record<string, T>>, name: string, what: string, code: string): T {
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (part !== undefined) return part;
  const names = Object.keys(parts).join(", ") || "none";
  throw new BpfError(code, `there is no ${what} '${name}', only: ${names}`, { name });
}
