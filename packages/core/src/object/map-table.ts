import { FormatError } from "../base/index.js";
import type { MapSpec } from "../spec/index.js";

/** Where an address in a section of the object leads: a map, or a place in a map's only value. */
export type MapPlace =
  | { readonly kind: "map"; readonly map: string }
  | { readonly kind: "map_value"; readonly map: string; readonly offset: number };

/** The object's maps, by name and by where their definition or data lie in the file. */
export class MapTable {
  readonly maps = new Map<string, MapSpec>();
  readonly #definitions = new Map<number, Map<number, string>>();
  readonly #data = new Map<number, string>();

  /** A map whose definition starts at `offset` of a section. */
  define(section: number, offset: number, key: string, map: MapSpec): void {
    this.#add(key, map);
    const known = this.#definitions.get(section);
    if (known === undefined) this.#definitions.set(section, new Map([[offset, key]]));
    else known.set(offset, key);
  }

  /** A map that a whole section is the value of. */
  addData(section: number, key: string, map: MapSpec): void {
    this.#add(key, map);
    this.#data.set(section, key);
  }

  /** A section that is the beginning of a map's value though the map is defined elsewhere. */
  placeData(section: number, key: string): void {
    this.#data.set(section, key);
  }

  /** A map that has no section: `.kconfig`. */
  add(key: string, map: MapSpec): void {
    this.#add(key, map);
  }

  /** What lies at `offset` of a section; undefined for a section without maps, or where no definition starts. */
  at(section: number, offset: number): MapPlace | undefined {
    const map = this.#data.get(section);
    if (map !== undefined) return { kind: "map_value", map, offset };
    const defined = this.#definitions.get(section)?.get(offset);
    return defined === undefined ? undefined : { kind: "map", map: defined };
  }

  #add(key: string, map: MapSpec): void {
    if (this.maps.has(key)) throw new FormatError(`two maps are called ${key}`);
    this.maps.set(key, map);
  }
}
