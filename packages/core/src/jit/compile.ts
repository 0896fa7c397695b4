import type { HandleArrayMap, LiveMap } from "../maps/index.js";
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
import { defineBatch } from "./batch.js";
import type { Blinding } from "./blinding.js";
import { findCallMaps } from "./call-maps.js";
import { defineCheckedEntry, defineExecute, defineInvoke, defineRepeat } from "./entries.js";
import { emitFunction } from "./function-body.js";
import { type InlineHelper, inlineHelper } from "./inline-helpers.js";
import type { CodeMarks, FunctionListing } from "./listing.js";
import { liveAtEntry } from "./liveness.js";
import { unrollLoops } from "./loop-unrolling.js";
import { type Metering, meteringOf } from "./metering.js";
import { declareImports, type ModuleImports } from "./module-imports.js";
import type { ModuleFunction, ModuleParts, SharedParts } from "./module-parts.js";
import { riskySlots } from "./pointers.js";
import { findFunctions, forEachSlot, type ProgramFunction } from "./program-functions.js";
import { type CodeStatistics, codeStatistics } from "./statistics.js";
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
  /** `Runtime.timeAddress` */
  readonly timeAddress: number;
  /** Hides the program's constants, where they are to be hidden. */
  readonly blinding?: Blinding | undefined;
  readonly identity?: ProgramIdentity | undefined;
  /** Notes where instructions' code begins, for {@link CompiledModule.listing}. */
  readonly marks?: CodeMarks | undefined;
}

/** A program's module. */
export interface CompiledModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Prog arrays whose tables it imports from `arrays`, by their addresses. */
  readonly arrays: readonly HandleArrayMap[];
  /** The program and its functions: their symbols, and bytes of their code. */
  readonly functions: readonly { readonly name: string; readonly size: number }[];
  readonly statistics: CodeStatistics;
  /** Where {@link CompileOptions.marks} were given. */
  readonly listing: readonly FunctionListing[] | undefined;
}

/** What follows the names of functions that are there a second time, see {@link Metering}. */
const METERED = ".metered";

const REGISTERS = Array.from({ length: 10 }, (_, register) => `r${register}`);

/**
 * Translates a program to a module, which imports what {@link ModuleImports} says. Exports, beside those of
 * {@link defineExecute}, {@link defineRepeat} and {@link defineInvoke}, and where it is {@link ModuleImports.alone} of {@link defineBatch}:
 *
 * - `entry`: where tail calls go, (frame, left, r1) -> (r0, left).
 *
 * @throws BpfError `"TOO_LARGE"`
 */
export function compileProgram(program: DecodedProgram, options: CompileOptions): CompiledModule {
  const { facts, memory } = options;
  const found = findFunctions(program, facts?.branches, false);
  const metering = meteringOf(program, found, facts);
  const module = new ModuleBuilder(program.executable.name);
  const callMaps = facts === undefined ? new Map<number, LiveMap>() : findCallMaps(program, found, options.mapAt);
  const inlined =
    facts === undefined ? new Map() : findInlined(program, found, callMaps, options.blinding !== undefined);
  const risky = facts === undefined ? new Set<number>() : riskySlots(facts);
  const checks = facts === undefined || risky.size > 0 || (program.executable.guarded?.size ?? 0) > 0;
  const imports = declareImports(module, program, found, { memory, checks, callMaps, inlined });
  const shared = declareShared(module, options, imports, { program, callMaps, inlined, risky });
  const { metered, free } = declareVariants(module, options, shared, found, metering);
  for (const variant of [free, metered]) {
    for (const target of variant?.functions.values() ?? []) emitFunction(variant!, target);
  }
  const main = defineMain(module, options, metering, { metered, free });
  module.exportFunction("entry", shared.checked ? defineCheckedEntry(module, shared, main) : main);
  defineExecute(module, shared, main);
  defineRepeat(module, shared, main);
  if (imports.alone) defineBatch(module, shared, main);
  defineInvoke(module, shared);
  const bytes = module.finish();
  const functions = [...(free?.functions.values() ?? []), ...(metered?.functions.values() ?? [])];
  const arrays = [...imports.arrays.keys()] as HandleArrayMap[];
  return {
    bytes,
    arrays,
    functions: functions.map(({ builder: { name, size } }) => ({ name, size })),
    statistics: codeStatistics(program, found, shared),
    listing: options.marks?.list(module),
  };
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

function declareShared(
  module: ModuleBuilder,
  options: CompileOptions,
  imports: ModuleImports,
  plan: Pick<SharedParts, "program" | "callMaps" | "inlined" | "risky">,
): SharedParts {
  const checked = options.facts === undefined;
  const callbackRegisters = checked ? [1] : [1, 2, 3, 4, 5];
  const registers = callbackRegisters.map((): ValueType => I64);
  return {
    ...plan,
    tables: options.tables,
    checked,
    imports,
    functionRecords: options.functionRecords,
    spill: defineSpill(module, options.record).index,
    exhausted: defineExhausted(module, options.record, imports.abort).index,
    entrySignature: module.signature([I32, I64, I64], [I64, I64]),
    callbacks: module.table({ minimum: options.functionRecords.size }),
    callbackSignature: module.signature([I32, I64, ...registers], [I64, I64]),
    callbackRegisters,
    tailCalls: options.tailCalls,
    timeAddress: options.timeAddress,
    blinding: options.blinding,
    marks: options.marks,
  };
}

/** The program's functions, once or twice, as its {@link Metering} says. */
function declareVariants(
  module: ModuleBuilder,
  options: CompileOptions,
  shared: SharedParts,
  found: readonly ProgramFunction[],
  { kind }: Metering,
): { readonly metered: ModuleParts | undefined; readonly free: ModuleParts | undefined } {
  const { program, functionRecords, callbacks } = shared;
  const suffix = kind === "either" ? METERED : "";
  const metered =
    kind === "free"
      ? undefined
      : { ...shared, metered: true, functions: declareFunctions(module, options, shared, found, suffix) };
  const short = kind === "metered" ? [] : unrolled(program, findFunctions(program, options.facts?.branches, true));
  const free =
    kind === "metered"
      ? undefined
      : { ...shared, metered: false, functions: declareFunctions(module, options, shared, short, "") };
  const targets = [...functionRecords.keys()].map((entry) => metered!.functions.get(entry)!.builder);
  if (targets.length > 0) module.elements(callbacks, 0, targets);
  return { metered, free };
}

/** The functions with their loops written out, where that costs no promise: code that counts nothing. */
function unrolled(program: DecodedProgram, functions: readonly ProgramFunction[]): ProgramFunction[] {
  return functions.map((each) => ({ ...each, graph: unrollLoops(program, each.graph) }));
}

function declareFunctions(
  module: ModuleBuilder,
  { identity }: CompileOptions,
  { program, checked, functionRecords }: SharedParts,
  found: readonly ProgramFunction[],
  suffix: string,
): Map<number, ModuleFunction> {
  const functions = new Map<number, ModuleFunction>();
  for (const each of found) {
    const { entry, graph } = each;
    const live = checked || entry === 0 ? 0b10 : functionRecords.has(entry) ? 0b111110 : liveAtEntry(program, graph);
    const parameters = [1, 2, 3, 4, 5].filter((register) => ((live >> register) & 1) === 1);
    const name = symbolName(program.executable.name, identity, entry) + suffix;
    functions.set(entry, { ...each, parameters, builder: declareFunction(module, name, parameters) });
  }
  return functions;
}

/** Where the program starts: (frame, left, r1) -> (r0, left). */
function defineMain(
  module: ModuleBuilder,
  { tailCalls }: CompileOptions,
  metering: Metering,
  { metered, free }: { readonly metered: ModuleParts | undefined; readonly free: ModuleParts | undefined },
): FunctionBuilder {
  const start = (parts: ModuleParts) => parts.functions.get(0)!.builder;
  if (metering.kind !== "either") return start((metered ?? free)!);
  const { longest } = metering;
  const f = module.function("main", { frame: I32, left: I64, r1: I64 }, [I64, I64]);
  const { frame, left, r1 } = f.params;
  const enter = (callee: FunctionBuilder) => {
    f.get(frame).get(left).get(r1);
    if (tailCalls) f.returnCall(callee);
    else f.call(callee).return();
  };
  f.get(left)
    .i64(longest | 0, Math.floor(longest / 2 ** 32))
    .op(i64.ge_s);
  f.get(frame)
    .i32(AREA_ALIGNMENT - 1)
    .op(i32.and)
    .i32(area.frames)
    .op(i32.eq);
  f.op(i32.and);
  f.if(() => enter(start(free!)));
  enter(start(metered!));
  f.unreachable();
  return f;
}

function declareFunction(module: ModuleBuilder, name: string, parameters: readonly number[]): FunctionBuilder {
  const registers = wideParameters(parameters.map((register) => `r${register}`));
  return module.function(name, { frame: I32, balance: I64, ...registers }, [I64, I64]);
}

function wideParameters(names: readonly string[]): Record<string, ValueType> {
  return Object.fromEntries(names.map((name) => [name, I64 as ValueType]));
}

/** `spill(frame, slot, left, r0 ... r9)`: see {@link ModuleParts.spill}. */
function defineSpill(module: ModuleBuilder, record: number): FunctionBuilder {
  const f = module.function("spill", { frame: I32, slot: I32, left: I64, ...wideParameters(REGISTERS) }, []);
  const [frame, slot, left] = [0 as Local, 1 as Local, 2 as Local];
  const at = f.local(I32, "area");
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).tee(at);
  f.get(slot).store(i32.store, area.position);
  f.get(at).i32(record).store(i32.store, area.program);
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
function defineExhausted(module: ModuleBuilder, record: number, abort: FunctionIndex): FunctionBuilder {
  const f = module.function("exhausted", { frame: I32, slot: I32, left: I64 }, []);
  const { frame, slot, left } = f.params;
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).i32(record).store(i32.store, area.program);
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).get(slot).store(i32.store, area.position);
  f.get(frame).i32(-AREA_ALIGNMENT).op(i32.and).get(left).store(i64.store, area.budget);
  f.i32(RUN_BUDGET).call(abort);
  return f;
}
