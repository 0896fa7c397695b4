import { HELPER_TAIL_CALL } from "../abi/index.js";
import type { LiveMap } from "../maps/index.js";
import { type DecodedProgram, defineRegionCheck, type RegionCheck } from "../runtime/index.js";
import {
  type FunctionIndex,
  type GlobalIndex,
  I32,
  type LinearMemory,
  type ModuleBuilder,
  type TableIndex,
} from "../wasm/index.js";
import { type InlineHelper, mapCoreParameters } from "./inline-helpers.js";
import { forEachSlot, type ProgramFunction } from "./program-functions.js";
import { hasOwnTable } from "./program-table.js";

const THREE = [I32, I32, I32] as const;
const FIVE = [I32, I32, I32, I32, I32] as const;

/** Name under which a module imports a helper or kfunc. */
export function helperImport(target: "helper" | "kfunc", id: number): string {
  return `${target} ${id}`;
}

/**
 * What a program's module imports from `env`. Only what it uses: a table keeps every instance that imports it alive.
 * Helpers are imported one by one, so that WebAssembly's own are called directly.
 */
export interface ModuleImports {
  /** Ends the run: (status). */
  readonly abort: FunctionIndex;
  /** Helpers and kfuncs by {@link helperImport}. */
  readonly helpers: ReadonlyMap<string, FunctionIndex>;
  /** Whether the program, in a batch, calls nothing but the map core, so that nobody needs to know of its runs one by one. */
  readonly alone: boolean;
  /** `PacketLoader`. */
  readonly loadPacket: FunctionIndex | undefined;
  /** (area, low, high) -> one more than the entry of the function that a callx goes to, or 0 after it called a helper. */
  readonly callRegister: FunctionIndex | undefined;
  /** Entries of programs, which tail calls go to. */
  readonly programs: TableIndex | undefined;
  /** The same by the entries of single prog arrays. */
  readonly arrays: ReadonlyMap<LiveMap, TableIndex>;
  /** (record): `Runtime.tailCallDeeper`. */
  readonly tailCallDeeper: FunctionIndex | undefined;
  /** Functions of the map core by name. */
  readonly maps: ReadonlyMap<string, FunctionIndex>;
  /** Number of the current CPU. */
  readonly cpu: GlobalIndex | undefined;
  /** Where accesses are checked. */
  readonly checkAccess: RegionCheck | undefined;
}

export function declareImports(
  module: ModuleBuilder,
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  options: {
    readonly memory: LinearMemory["limits"];
    /** Whether some access is checked. */
    readonly checks: boolean;
    /** Maps that helpers are called with, where they are known, by slots. */
    readonly callMaps: ReadonlyMap<number, LiveMap>;
    /** What stands in place of helper calls, by slots. */
    readonly inlined: ReadonlyMap<number, InlineHelper>;
  },
): ModuleImports {
  const { checks, callMaps, inlined } = options;
  const used = usesOf(program, functions, inlined, callMaps);
  const helpers = new Map<string, FunctionIndex>();
  module.importMemory("env", "memory", options.memory);
  const abort = module.importFunction("env", "abort", [I32], []);
  for (const name of [...used.helpers, ...used.fallbacks])
    helpers.set(name, module.importFunction("env", name, FIVE, [I32]));
  const loadPacket = used.packets ? module.importFunction("env", "loadPacket", THREE, [I32]) : undefined;
  const callRegister = used.registerCalls ? module.importFunction("env", "callRegister", THREE, [I32]) : undefined;
  const tailCallDeeper = used.tailCalls ? module.importFunction("env", "tailCallDeeper", [I32], []) : undefined;
  const maps = new Map<string, FunctionIndex>();
  for (const name of new Set([...inlined.values()].flatMap(({ imports }) => imports))) {
    const parameters = new Array<typeof I32>(mapCoreParameters[name] ?? 2).fill(I32);
    maps.set(name, module.importFunction("maps", name, parameters, [I32]));
  }
  // The module's first table: V8 is faster with that one.
  const arrays = new Map<LiveMap, TableIndex>();
  for (const map of new Set(callMaps.values())) {
    if (hasOwnTable(map)) arrays.set(map, module.importTable("arrays", String(map.address), { minimum: 0 }));
  }
  const programs = used.otherTailCalls ? module.importTable("env", "programs", { minimum: 0 }) : undefined;
  const cpu = inlined.size > 0 ? module.importGlobal("env", "cpu", I32, true) : undefined;
  const checkAccess = checks ? defineRegionCheck(module, module.importGlobal("env", "regions", I32)) : undefined;
  const alone = used.helpers.size === 0 && !used.packets && !used.registerCalls && !used.tailCalls;
  return { abort, helpers, alone, loadPacket, callRegister, tailCallDeeper, programs, arrays, maps, cpu, checkAccess };
}

function usesOf(
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  inlined: ReadonlyMap<number, InlineHelper>,
  callMaps: ReadonlyMap<number, LiveMap>,
) {
  const used = {
    helpers: new Set<string>(),
    fallbacks: new Set<string>(),
    packets: false,
    registerCalls: false,
    tailCalls: false,
    /** Those through arrays that aren't known or have no table of their own. */
    otherTailCalls: false,
  };
  for (const { graph } of functions) {
    forEachSlot(program, graph, (slot) => {
      const row = program.rows[slot];
      if (row?.kind === "load_packet") used.packets = true;
      if (row?.kind !== "call") return;
      const id = program.slots.imm[slot]!;
      const inline = inlined.get(slot);
      if (inline?.falls === true) used.fallbacks.add(helperImport("helper", id));
      if (inline !== undefined) return;
      if (row.target === "register") used.registerCalls = true;
      if (row.target === "helper" && id === HELPER_TAIL_CALL) {
        used.tailCalls = true;
        if (!hasOwnTable(callMaps.get(slot))) used.otherTailCalls = true;
      }
      if (row.target === "helper" || row.target === "kfunc") used.helpers.add(helperImport(row.target, id));
    });
  }
  return used;
}
