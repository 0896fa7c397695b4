import { BpfError } from "@tsbpf/core";
import type { BpfMap, LoadedObject, ObjectShape, Program, Variable } from "@tsbpf/core/host";

/** What one load created, under the names that the object has for it. */
export class LinuxObject<Shape extends ObjectShape = ObjectShape> implements LoadedObject<Shape> {
  readonly name: string;
  readonly maps: Shape["maps"];
  readonly programs: Shape["programs"];
  readonly variables: Shape["variables"];
  /** Maps and programs to close: those that were given to the load are not among them. */
  readonly #owned: readonly { close(): void }[];

  constructor(
    name: string,
    parts: {
      readonly maps: Readonly<Record<string, BpfMap>>;
      readonly programs: Readonly<Record<string, Program>>;
      readonly variables: Readonly<Record<string, Variable>>;
    },
    owned: readonly { close(): void }[],
  ) {
    this.name = name;
    this.maps = parts.maps as Shape["maps"];
    this.programs = parts.programs as Shape["programs"];
    this.variables = parts.variables as Shape["variables"];
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

function find<T>(parts: Readonly<Record<string, T>>, name: string, what: string, code: string): T {
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (part !== undefined) return part;
  const names = Object.keys(parts).join(", ") || "none";
  throw new BpfError(code, `there is no ${what} '${name}', only: ${names}`, { name });
}
