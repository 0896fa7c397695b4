import { BpfError } from "../base/index.js";
import type { HandleArrayMap, MapCore } from "../maps/index.js";
import {
  type DecodedProgram,
  decodeProgram,
  type Engine,
  functionRecord,
  NO_ENTRY,
  type ProgramEntries,
  programRecord,
  type Runtime,
  SystemClock,
} from "../runtime/index.js";
import { instantiate, wasmFeatures, webAssembly } from "../wasm/index.js";
import { compileProgram } from "./compile.js";
import { CodeMarks } from "./listing.js";
import { helperImport } from "./module-imports.js";
import { CompiledProgram, type ProgramExports, ProgramRecords } from "./program.js";
import { ProgramTable } from "./program-table.js";
import { factsFor, type JitExecutable } from "./proof.js";
import { defaultJitSettings, type JitSettings } from "./settings.js";
import type { JitSymbol } from "./symbols.js";

/** Engines take functions of a few megabytes (V8: 7,654,321 bytes); smaller ones they have no reason to refuse. */
const ENGINE_LIMIT = 1 << 20;

/** Choices for a {@link Jit}. */
export interface JitOptions {
  /** The machine's maps: lookups in them become part of verified programs. */
  readonly maps?: MapCore | undefined;
  /** Whether to use WebAssembly's tail calls; where absent, if the engine has them. */
  readonly tailCalls?: boolean | undefined;
  /** Kept and read at every {@link Jit.prepare}; {@link defaultJitSettings} where absent. */
  readonly settings?: JitSettings | undefined;
  /** Whether images keep their listings, which take far more memory than their code. */
  readonly listings?: boolean | undefined;
}

/**
 * Translates programs to WebAssembly. Where nobody vouches for a program, its code checks every access as the
 * interpreter does; faults and exhausted budgets are the same values.
 */
export class Jit implements Engine {
  readonly name = "jit";
  readonly runtime: Runtime;
  readonly #programs = new ProgramTable();
  readonly #tailCalls: boolean;
  readonly #maps: MapCore | undefined;
  readonly settings: JitSettings;
  readonly #listings: boolean;
  readonly #clock = new SystemClock();
  readonly #images = new Set<CompiledProgram>();
  #size = 0;

  constructor(runtime: Runtime, options: JitOptions = {}) {
    this.runtime = runtime;
    this.#maps = options.maps;
    this.settings = options.settings ?? defaultJitSettings();
    this.#listings = options.listings ?? false;
    this.#tailCalls = options.tailCalls ?? wasmFeatures().tailCalls;
  }

  /**
   * @throws InvalidProgramError
   * @throws BpfError `"TOO_LARGE"` for programs that make more code than WebAssembly takes, `"JIT_LIMIT"` for those of
   * unprivileged users beyond {@link JitSettings.limit}: run them in the interpreter.
   */
  prepare(executable: JitExecutable): CompiledProgram {
    const { runtime } = this;
    const start = this.#clock.monotonic();
    const facts = factsFor(executable, runtime);
    const program = decodeProgram(executable, runtime);
    const { harden } = this.settings;
    const blinded = harden === 2 || (harden === 1 && executable.unprivileged === true);
    const records = new ProgramRecords(runtime, program, blinded);
    try {
      const { bytes, arrays, functions, statistics, listing } = compileProgram(program, {
        tables: runtime,
        facts,
        mapAt: (address) => this.#maps?.mapAt(address),
        memory: runtime.memory.limits,
        functionRecords: records.functions,
        tailCalls: this.#tailCalls,
        record: records.program,
        timeAddress: runtime.timeAddress,
        blinding: records.blinding,
        identity: executable.identity,
        marks: this.#listings ? new CodeMarks() : undefined,
      });
      this.#assertRoom(executable, bytes.length);
      const exports = this.#instantiate(program, bytes, arrays);
      const { name, exceptionCallback } = executable;
      const parts = {
        name,
        exceptionCallback,
        statistics: {
          ...statistics,
          time: this.#clock.monotonic() - start,
          size: bytes.length,
          checked: facts === undefined,
        },
        blinded,
        records,
        exports,
        bytes,
        functions,
        listing,
      };
      const image = new CompiledProgram(runtime, this.#programs, parts, () => this.#closed(image));
      this.#size += bytes.length;
      this.#images.add(image);
      return image;
    } catch (error) {
      records.free();
      throw error;
    }
  }

  /** Where its programs are tail called; what another engine puts there can be tail called by them. */
  get entries(): ProgramEntries {
    return this.#programs;
  }

  /** Bytes of all images together. */
  get size(): number {
    return this.#size;
  }

  /** The code of all programs that are there, in the order of their preparation: /proc/kallsyms with bpf_jit_kallsyms. */
  symbols(): JitSymbol[] {
    return [...this.#images].flatMap((image) => image.symbols());
  }

  /** Index of the program with this record in the table of all; undefined for one that isn't there. */
  #entryOf(handle: number): number | undefined {
    const entry = this.runtime.memory.u32[(handle + programRecord.entry) >>> 2]!;
    return entry === NO_ENTRY ? undefined : entry;
  }

  #closed(image: CompiledProgram): void {
    this.#images.delete(image);
    this.#size -= image.size;
  }

  #assertRoom({ name, unprivileged = false }: JitExecutable, size: number): void {
    const { limit } = this.settings;
    if (!unprivileged || this.#size + size <= limit) return;
    const message = `${name} makes ${size} bytes of WebAssembly; of ${limit} are ${this.#size} in use`;
    throw new BpfError("JIT_LIMIT", message, { name, size, inUse: this.#size, limit });
  }

  #instantiate(program: DecodedProgram, bytes: Uint8Array, arrays: readonly HandleArrayMap[]): ProgramExports {
    const { runtime } = this;
    const verified = program.executable.verified ?? false;
    const env: Record<string, unknown> = {
      memory: runtime.memory.memory,
      regions: new (webAssembly().Global)({ value: "i32", mutable: false }, runtime.regions.header),
      programs: this.#programs.table,
      cpu: runtime.cpuGlobal,
      abort: (status: 1 | 2) => runtime.abort(status),
      loadPacket: (skb: number, offset: number, size: number) => runtime.loadPacket(skb, offset, size),
      tailCallDeeper: (record: number) => runtime.tailCallDeeper(record),
      callRegister: (_area: number, low: number, high: number) => callRegister(runtime, low, high),
    };
    for (const target of ["helper", "kfunc"] as const) {
      const table = target === "helper" ? runtime.helpers : runtime.kfuncs;
      for (const id of target === "helper" ? program.helpers : program.kfuncs) {
        const helper = table.get(id)!;
        env[helperImport(target, id)] = verified ? helper.run : table.guarded(id, helper);
      }
    }
    try {
      const tables = arrays.map((map) => [map.address, this.#programs.ofArray(map, (handle) => this.#entryOf(handle))]);
      const imports = { env, maps: this.#maps?.instance.exports ?? {}, arrays: Object.fromEntries(tables) };
      return instantiate(bytes, imports).exports as unknown as ProgramExports;
    } catch (cause) {
      if (bytes.length < ENGINE_LIMIT || !isSizeError(cause)) throw cause;
      const { name } = program.executable;
      throw new BpfError("TOO_LARGE", `${name} makes ${bytes.length} bytes of WebAssembly`, { name }, cause);
    }
  }
}

/** V8 throws a RangeError for modules above 8 MiB on a page's main thread. */
function isSizeError(cause: unknown): cause is Error {
  return cause instanceof Error && (cause.name === "CompileError" || cause.name === "RangeError");
}

/**
 * Where a callx goes: one more than the entry of the function whose record the register points to, or 0 once the helper
 * was called whose number it holds. What is neither is a fault.
 */
function callRegister(runtime: Runtime, low: number, high: number): number {
  const value = low >>> 0;
  if (high === 0) {
    if (runtime.callHelper(value)) return 0;
    const image = runtime.runningImage;
    if (image instanceof CompiledProgram && image.functions.includes(value))
      return runtime.memory.u32[(value + functionRecord.entry) >> 2]! + 1;
  }
  return runtime.badCallTarget(low, high);
}
