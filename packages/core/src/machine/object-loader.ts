import type { Capability } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import { BpfMap, chosenPrograms, LoadedParts, type LoadOptions, liveVariables, mapCodecs } from "../host/index.js";
import { applyCoreRelocations } from "../object/index.js";
import {
  type KconfigValue,
  kconfigData,
  type MapSpec,
  type ObjectSpec,
  type ProgramSpec,
  requireLittleEndian,
} from "../spec/index.js";
import { machineKconfig } from "./kconfig.js";
import { MachineMap } from "./machine-map.js";
import type { MachineProgram } from "./machine-program.js";
import { implementationOf } from "./tracing/index.js";

/** Choices for one load into a Machine. */
export interface MachineLoadOptions extends LoadOptions {
  /**
   * Types to relocate against (CO-RE): those of the kernel that the Machine stands for by default, and where it has none
   * the object's own, so that every field is where it was compiled.
   */
  readonly targetBtf?: Btf | undefined;
  /**
   * Verify programs (the default): what the kernel would refuse is refused. Without it, and where the verifier reaches no
   * verdict, programs run watched: every access and every argument of a helper is checked, and a fault ends the run.
   */
  readonly verify?: boolean | undefined;
  /** Load with no more than these of the caller's capabilities (`machine.credentials`). */
  readonly capabilities?: readonly Capability[] | undefined;
  /** Values of `extern ... __kconfig` variables, by name; those of 6.18, and of no configuration, where it doesn't say. */
  readonly kconfig?: Readonly<Record<string, KconfigValue>> | undefined;
}

/** What loading an object needs of the Machine. */
export interface LoaderHost {
  createMap(spec: MapSpec, btf: Btf | undefined): MachineMap;
  loadProgram(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>): MachineProgram;
}

/** One load of an object, step by step. What it has made until a step fails is closed again. */
export class ObjectLoader {
  readonly #object: ObjectSpec;
  readonly #options: MachineLoadOptions;
  readonly #host: LoaderHost;
  readonly #maps = new Map<string, BpfMap>();
  readonly #programs = new Map<string, MachineProgram>();
  readonly #owned: { close(): void }[] = [];

  constructor(object: ObjectSpec, options: MachineLoadOptions, host: LoaderHost) {
    this.#object = object;
    this.#options = options;
    this.#host = host;
  }

  load(): LoadedParts {
    try {
      requireLittleEndian(this.#object);
      const maps = [...this.#object.maps].map(([key, spec]) => [key, this.#configured(key, spec)] as const);
      for (const [key, spec] of maps) if (spec.autocreate) this.#makeMap(key, spec);
      for (const [key, spec] of maps) this.#fill(key, spec);
      for (const [key, spec] of chosenPrograms(this.#object, this.#options)) this.#loadProgram(key, spec);
      for (const [key, spec] of this.#object.maps) this.#fillWithPrograms(key, spec);
      return this.#finish();
    } catch (error) {
      for (const part of this.#owned.reverse()) part.close();
      throw error;
    }
  }

  #makeMap(key: string, spec: MapSpec): void {
    const given = this.#options.maps?.[key];
    if (given !== undefined) {
      this.#maps.set(key, given);
      return;
    }
    const map = this.#host.createMap(spec, this.#object.btf);
    this.#owned.push(map);
    this.#maps.set(key, new BpfMap(map, mapCodecs(spec, this.#object.btf)) as BpfMap);
  }

  /** The map of `extern ... __kconfig` variables with their values: constants to programs, as `.rodata` is. */
  #configured(key: string, spec: MapSpec): MapSpec {
    if (spec.dataSection !== ".kconfig" || this.#options.maps?.[key] !== undefined) return spec;
    const given = this.#options.kconfig ?? {};
    const { kconfig, btf } = this.#object;
    const value = kconfigData(kconfig, spec.valueSize, btf, (name) => given[name] ?? machineKconfig(name));
    return { ...spec, contents: [{ key: new Uint8Array(spec.keySize), value }] };
  }

  #fill(key: string, spec: MapSpec): void {
    const map = this.#maps.get(key);
    if (map === undefined || this.#options.maps?.[key] !== undefined) return;
    for (const { key: entry, value } of spec.contents) {
      if (value instanceof Uint8Array) map.raw.update(entry, value);
      else if ("map" in value) map.raw.updateReference(entry, this.#map(value.map));
    }
    if (spec.freeze) map.raw.freeze();
  }

  #fillWithPrograms(key: string, spec: MapSpec): void {
    if (this.#options.maps?.[key] !== undefined) return;
    const map = this.#maps.get(key)?.raw;
    if (spec.type === "struct_ops" && map instanceof MachineMap) {
      map.object.implement(implementationOf(map, this.#programs));
      return;
    }
    for (const { key: entry, value } of spec.contents) {
      if (value instanceof Uint8Array || !("program" in value)) continue;
      const program = this.#programs.get(value.program);
      // A program that was left out of this load leaves its slot empty.
      if (program !== undefined) this.#map(key).raw.updateReference(entry, program);
    }
  }

  #loadProgram(key: string, spec: ProgramSpec): void {
    const { btf } = this.#object;
    const relocated = btf === undefined ? spec : applyCoreRelocations(spec, btf, this.#options.targetBtf ?? btf);
    const program = this.#host.loadProgram(relocated, this.#maps);
    this.#owned.push(program);
    this.#programs.set(key, program);
  }

  #map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (map === undefined)
      throw new BpfError("NO_SUCH_MAP", `the object refers to a map '${name}', which it has not`, { name });
    return map;
  }

  #finish(): LoadedParts {
    const variables = liveVariables(this.#object, this.#maps);
    const parts = { maps: this.#maps, programs: this.#programs, variables };
    return new LoadedParts(this.#object.name, parts, this.#owned);
  }
}
