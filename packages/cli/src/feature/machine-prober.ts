import {
  baseHelpers,
  helperGrants,
  helperPrototypes,
  type MapType,
  mapTypes,
  minimalMap,
  type ProgramType,
  programTypes,
} from "@tsbpf/core/abi";
import { Machine } from "@tsbpf/core/machine";
import { createMap } from "@tsbpf/core/spec";
import type { Prober } from "./prober.js";

/** Types for whose programs the Machine has nothing that they could run on. */
const withoutHook: ReadonlySet<ProgramType> = new Set(["lirc_mode2", "lwt_seg6local", "ext"]);

/** What the Machine can do: types that it runs, helpers that it has and that the kernel grants to the type. */
export function machineProber(): Prober {
  const machine = new Machine();
  const implemented = new Set([...machine.runtime.helpers.entries()].map(([id]) => id));
  return {
    programTypes: programTypes.map(({ name }) => name),
    mapTypes: mapTypes.map(({ name }) => name),
    settings: undefined,
    systemCall: undefined,
    takesPrograms: (type) => !withoutHook.has(type),
    takesMaps: (type) => creates(machine, type),
    helpers: (type, ids) => {
      const granted = grantedTo(type);
      return ids.filter((id) => implemented.has(id) && granted.has(id));
    },
    takesInstructions: () => true,
  };
}

function creates(machine: Machine, type: MapType): boolean {
  const { keySize, valueSize, maxEntries, flags } = minimalMap(type);
  const ofMaps = type === "array_of_maps" || type === "hash_of_maps";
  const inner = ofMaps
    ? { inner: createMap({ name: "i", type: "hash", keySize: 4, valueSize: 4, maxEntries: 1 }) }
    : {};
  try {
    machine.createMap(createMap({ name: "probe", type, keySize, valueSize, maxEntries, flags, ...inner })).close();
    return true;
  } catch {
    return false;
  }
}

function grantedTo(type: ProgramType): ReadonlySet<number> {
  const names = new Set([...baseHelpers, ...helperGrants[type]].map(({ helper }) => helper));
  return new Set(helperPrototypes.filter(({ name }) => names.has(name)).map(({ id }) => id));
}
