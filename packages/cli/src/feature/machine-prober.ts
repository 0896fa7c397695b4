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
import { createMap, createProgram } from "@tsbpf/core/spec";
import type { Prober } from "./prober.js";

/** r0 = 0; exit */
const returnZero = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** What the Machine can do: types that it runs, helpers that it has and that the kernel grants to the type. */
export async function machineProber(): Promise<Prober> {
  const machine = new Machine();
  const run = new Set<ProgramType>();
  for (const { name } of programTypes) if (await runs(machine, name)) run.add(name);
  const implemented = new Set([...machine.runtime.helpers.entries()].map(([id]) => id));
  return {
    programTypes: programTypes.map(({ name }) => name),
    mapTypes: mapTypes.map(({ name }) => name),
    settings: undefined,
    systemCall: undefined,
    takesPrograms: (type) => run.has(type),
    takesMaps: (type) => creates(machine, type),
    helpers: (type, ids) => {
      const granted = grantedTo(type);
      return ids.filter((id) => implemented.has(id) && granted.has(id));
    },
    takesInstructions: () => true,
  };
}

async function runs(machine: Machine, type: ProgramType): Promise<boolean> {
  try {
    using program = await machine.loadProgram(createProgram({ name: "probe", type, insns: returnZero }), {
      verify: false,
    });
    machine.createPacketRunner(program);
    return true;
  } catch {
    return false;
  }
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
