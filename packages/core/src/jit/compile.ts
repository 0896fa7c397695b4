import type { LiveMap } from "../maps/index.js";
import {
  AREA_ALIGNMENT,
  area,
  type CallTables,
  type DecodedProgram,
  RUN_BUDGET,
  STACK_SIZE,
} from "../runtime/index.js";
import type { ProgramFacts } from "../verifier/index.js";
import {
  type FunctionBuilder,
  type FunctionIndex,
  I32,
  I64,
  i32,
  i64,
  type LinearMemory,
  type Local,
  ModuleBuilder,
  type ValueType,
} from "../wasm/index.js";
import type { Blinding } from "./blinding.js";
import { findCallMaps } from "./call-maps.js";
import { defineExecute, defineInvoke, defineRepeat } from "./entries.js";
import { emitFunction } from "./function-body.js";
import { type InlineHelper, inlineHelper } from "./inline-helpers.js";
import { liveAtEntry } from "./liveness.js";
import { declareImports, type ModuleImports } from "./module-imports.js";
import type { ModuleFunction, ModuleParts } from "./module-parts.js";
import { riskySlots } from "./pointers.js";
import { findFunctions, forEachSlot, type ProgramFunction } from "./program-functions.js";
import { type ProgramIdentity, symbolName } from "./symbols.js";
import { emitDepth } from "./translation.js";

/** What a program is compiled for. */
export interface CompileOptions {
  readonly tables: CallTables;
  /** What a verifier proved of the program; without it every access is checked. */
  readonly facts: ProgramFacts | undefined;
  /** The map whose header is at an address. */
  readonly mapAt: (address: number) => LiveMap | undefined;
  readonly memory: LinearMemory["limits"];
  /** Addresses of the records of functions that lddws load, by the functions' first slots. */
  readonly functionRecords: ReadonlyMap<number, number>;
  /** Whether the engine has WebAssembly's tail calls. */
  readonly tailCalls: boolean;
  /** Address of the program's record. */
  readonly record: number;
  /** Hides the program's constants, where they are to be hidden. */
  readonly blinding?: Blinding | undefined;
  readonly identity?: ProgramIdentity | undefined;
}

/** A program's module. */
export interface CompiledModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The program and its functions: their symbols, and bytes of their code. */
  readonly functions: readonly { readonly name: string; readonly size: number }[];
}

const REGISTERS = Array.from({ length: 10 }, (_, register) => `r${register}`);

/**
 * Translates a program to a module, which imports what {@link ModuleImports} says. Exports, beside those of
 * {@link defineExecute}, {@link defineRepeat} and {@link defineInvoke}:
 *
 * - `entry`: where tail calls go, (frame, left, r1) -> (r0, left).
 *
 * @throws BpfError `"TOO_LARGE"`
 */
export function compileProgram(program: DecodedProgram, options: CompileOptions): CompiledModule {
  const { facts, memory } = options;
  const found = findFunctions(program, facts?.branches);
  const module = new ModuleBuilder(program.executable.name);
  const callMaps = facts === undefined ? new Map<number, LiveMap>() : findCallMaps(program, found, options.mapAt);
  const inlined =
    facts === undefined ? new Map() : findInlined(program, found, callMaps, options.blinding !== undefined);
  const risky = facts === undefined ? new Set<number>() : riskySlots(facts);
  const checks = facts === undefined || risky.size > 0 || (program.executable.guarded?.size ?? 0) > 0;
  const imports = declareImports(module, program, found, { memory, checks, inlined });
  const parts = declareParts(module, options, imports, found, { program, callMaps, inlined, risky });
  for (const target of parts.functions.values()) emitFunction(parts, target);
  module.exportFunction("entry", parts.functions.get(0)!.builder);
  defineExecute(module, parts);
  defineRepeat(module, parts);
  defineInvoke(module, parts);
  const bytes = module.finish();
  return { bytes, functions: [...parts.functions.values()].map(({ builder: { name, size } }) => ({ name, size })) };
}

/** Helper calls that WebAssembly of ours stands for. */
function findInlined(
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  callMaps: ReadonlyMap<number, LiveMap>,
  blinded: boolean,
): Map<number, InlineHelper> {
  const inlined = new Map<number, InlineHelper>();
  for (const { graph } of functions) {
    forEachSlot(program, graph, (slot) => {
      const row = program.rows[slot];
      if (row?.kind !== "call" || row.target !== "helper") return;
      const inline = inlineHelper(program, slot, callMaps.get(slot), blinded);
      if (inline !== undefined) inlined.set(slot, inline);
    });
  }
  return inlined;
}

function declareParts(
  module: ModuleBuilder,
  options: CompileOptions,
  imports: ModuleImports,
  found: readonly ProgramFunction[],
  plan: Pick<ModuleParts, "program" | "callMaps" | "inlined" | "risky">,
): ModuleParts {
  const { program } = plan;
  const { functionRecords } = options;
  const checked = options.facts === undefined;
  const callbackRegisters = checked ? [1] : [1, 2, 3, 4, 5];
  const spill = defineSpill(module);
  const exhausted = defineExhausted(module, imports.abort);
  const functions = new Map<number, ModuleFunction>();
  for (const each of found) {
    const { entry, graph } = each;
    const live = checked || entry === 0 ? 0b10 : functionRecords.has(entry) ? 0b111110 : liveAtEntry(program, graph);
    const parameters = [1, 2, 3, 4, 5].filter((register) => ((live >> register) & 1) === 1);
    const name = symbolName(program.executable.name, options.identity, entry);
    functions.set(entry, { ...each, parameters, builder: declareFunction(module, name, parameters) });
  }
  const callbacks = module.table({ minimum: functionRecords.size });
  const targets = [...functionRecords.keys()].map((entry) => functions.get(entry)!.builder);
  if (targets.length > 0) module.elements(callbacks, 0, targets);
  const registers = callbackRegisters.map((): ValueType => I64);
  return {
    ...plan,
    tables: options.tables,
    checked,
    imports,
    functions,
    functionRecords,
    spill: spill.index,
    exhausted: exhausted.index,
    entrySignature: module.signature([I32, I64, I64], [I64, I64]),
    callbacks,
    callbackSignature: module.signature([I32, I64, ...registers], [I64, I64]),
    callbackRegisters,
    tailCalls: options.tailCalls,
    blinding: options.blinding,
    record: options.record,
  };
}

function declareFunction(module: ModuleBuilder, name: string, parameters: readonly number[]): FunctionBuilder {
  const registers = wideParameters(parameters.map((register) => `r${register}`));
  return module.function(name, { frame: I32, balance: I64, ...registers }, [I64, I64]);
}

function wideParameters(names: readonly string[]): Record<string, ValueType> {
  return Object.fromEntries(names.map((name) => [name, I64 as ValueType]));
}

/** `spill(frame, slot, left, r0 ... r9)`: see {@link ModuleParts.spill}. */
function defineSpill(module: ModuleBuilder): FunctionBuilder {
  const f = module.function("spill", { frame: I32, slot: I32, left: I64, ...wideParameters(REGISTERS) }, []);
  const [frame, slot, left] = [0 as Local, 1 as Local, 2 as Local];
  const at = f.local(I32, "area");
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).tee(at);
  f.get(slot).store(i32.store, area.position);
  f.get(at).get(left).store(i64.store, area.budget);
  f.get(at);
  emitDepth(f, frame).store(i32.store, area.depth);
  for (let register = 0; register < 10; register++)
    f.get(at)
      .get((3 + register) as Local)
      .store(i64.store, area.registers + register * 8);
  f.get(at).get(frame).i32(STACK_SIZE).op(i32.add).op(i64.extend_i32_u);
  f.store(i64.store, area.registers + 80);
  return f;
}

/** `exhausted(frame, slot, left)`: see {@link ModuleParts.exhausted}. */
function defineExhausted(module: ModuleBuilder, abort: FunctionIndex): FunctionBuilder {
  const f = module.function("exhausted", { frame: I32, slot: I32, left: I64 }, []);
  const { frame, slot, left } = f.params;
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).get(slot).store(i32.store, area.position);
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).get(left).store(i64.store, area.budget);
  f.i32(RUN_BUDGET).call(abort);
  return f;
}
