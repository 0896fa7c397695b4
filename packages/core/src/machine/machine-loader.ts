import type { Btf } from "../btf/index.js";
import type { BpfMap, LoadedObject } from "../host/index.js";
import { createMap, type MapCore } from "../maps/index.js";
import type { Environment } from "../runtime/index.js";
import type { MapSpec, ObjectSpec, ProgramSpec } from "../spec/index.js";
import { layOutSections } from "../verifier/index.js";
import type { Permissions } from "./credentials.js";
import type { EngineChoice } from "./engine-choice.js";
import type { LoadedObjects } from "./loaded-objects.js";
import { MachineMap, type MapOwner } from "./machine-map.js";
import { MachineProgram, type ProgramOwner } from "./machine-program.js";
import { mapAttributes } from "./map-attributes.js";
import { MapObject, releaseValues } from "./map-object.js";
import type { MachineReferences } from "./map-references.js";
import { type MachineLoadOptions, ObjectLoader } from "./object-loader.js";
import { type ProgramSurroundings, prepareProgram } from "./program-loader.js";
import { ProgramObject } from "./program-object.js";
import type { Statistics } from "./statistics.js";

/** What a load needs of its Machine. */
export interface LoaderParts {
  /** Whose handles it makes. */
  readonly owner: MapOwner & ProgramOwner;
  readonly environment: Environment;
  readonly maps: MapCore;
  readonly references: MachineReferences;
  readonly loaded: LoadedObjects;
  readonly permissions: Permissions;
  readonly engine: EngineChoice;
  /** Numbers of kernel functions in the runtime's table. */
  readonly kfuncs: ReadonlyMap<string, number>;
  readonly statistics: Statistics;
}

/** Makes maps and programs of a Machine, as whoever calls may: BPF_MAP_CREATE, BPF_PROG_LOAD, and objects of both. */
export class MachineLoader {
  readonly #parts: LoaderParts;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  get #kernelTypes(): Btf | undefined {
    return this.#parts.environment.kernel.types;
  }

  async load(spec: ObjectSpec, options: MachineLoadOptions): Promise<LoadedObject> {
    const choices = this.#choices(options);
    // Where compilers left it to the loader, variables get their places in sections.
    const btf = layOutSections(spec);
    const loader = new ObjectLoader({ ...spec, btf }, choices, {
      createMap: (map) => this.createMap(map, btf),
      loadProgram: (program, maps) => this.#loadPrepared(program, surroundings(maps, btf, choices)),
    });
    return this.#parts.permissions.within(options.capabilities, () => loader.load());
  }

  /** A program with the maps that it refers to, and the types that it was compiled with. */
  loadProgram(
    spec: ProgramSpec,
    maps: ReadonlyMap<string, BpfMap>,
    btf: Btf | undefined,
    options: MachineLoadOptions = {},
  ): MachineProgram {
    const given = surroundings(maps, btf, this.#choices(options));
    return this.#parts.permissions.within(options.capabilities, () => this.#loadPrepared(spec, given));
  }

  #choices(options: MachineLoadOptions): MachineLoadOptions {
    return { ...options, targetBtf: options.targetBtf ?? this.#kernelTypes };
  }

  /** @param btf the types of the map's keys and values, by the ids in `spec`. */
  createMap(spec: MapSpec, btf: Btf | undefined): MachineMap {
    const { owner, environment, loaded, references } = this.#parts;
    this.#parts.permissions.requireMap(spec.type);
    const inner = spec.inner === undefined ? undefined : this.createMap(spec.inner, btf);
    try {
      const live = createMap(this.#parts.maps, mapAttributes(spec, btf, owner.cpus), {
        references,
        inner: inner?.object.live,
      });
      const types = btf === undefined ? undefined : loaded.types.of(btf);
      const object = new MapObject(
        live,
        { spec, types },
        {
          abandoned: () => environment.timers.dropMap(live),
          released: () => {
            releaseValues(environment, live);
            loaded.maps.delete(live);
          },
        },
      );
      loaded.maps.set(live, object);
      return new MachineMap(owner, object);
    } finally {
      inner?.close();
    }
  }

  #loadPrepared(spec: ProgramSpec, surroundings: ProgramSurroundings): MachineProgram {
    const { owner, environment, loaded, references, permissions, engine, kfuncs, statistics } = this.#parts;
    permissions.requireProgram(spec.type);
    const { maps, ...prepared } = prepareProgram(spec, surroundings, {
      engine,
      helpers: environment.runtime.helpers,
      objectTypes: this.#kernelTypes,
      kfuncs,
      cpus: owner.cpus,
      capabilities: permissions.current.capabilities,
      owns: (map) => loaded.maps.get(map.object.live) === map.object,
      mayCallThrough: (map, program) => {
        return references.claimProgramArray(map.object.live, program, engine.name === "jit");
      },
    });
    const parts = {
      ...prepared,
      spec,
      maps: maps.map(({ object }) => object),
      types: surroundings.btf === undefined ? undefined : loaded.types.of(surroundings.btf),
      loadTime: BigInt(environment.clock.boottime()),
      uid: permissions.current.uid,
    };
    const object = loaded.addProgram((id, released) => new ProgramObject({ ...parts, id }, statistics, released));
    return new MachineProgram(owner, object);
  }
}

function surroundings(
  maps: ReadonlyMap<string, BpfMap>,
  btf: Btf | undefined,
  { verify = true, logLevel = 0, targetBtf: kernelTypes }: MachineLoadOptions,
): ProgramSurroundings {
  return { maps, btf, kernelTypes, verify, logLevel };
}
