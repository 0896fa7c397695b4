import { BpfError } from "../base/index.js";
import type { MapCore } from "../maps/index.js";
import { type DecodedProgram, decodeProgram, type Engine, functionRecord, type Runtime } from "../runtime/index.js";
import type { ProgramFacts } from "../verifier/index.js";
import { instantiate, wasmFeatures, webAssembly } from "../wasm/index.js";
import { compileProgram } from "./compile.js";
import { helperImport } from "./module-imports.js";
import { CompiledProgram, type ProgramExports, ProgramRecords } from "./program.js";
import { ProgramTable } from "./program-table.js";
import { factsFor, type JitExecutable } from "./proof.js";

/** Engines take functions of a few megabytes (V8: 7,654,321 bytes); smaller ones they have no reason to refuse. */
const ENGINE_LIMIT = 1 << 20;

export interface JitOptions {
  /** The machine's maps: lookups in them become part of verified programs. */
  readonly maps?: MapCore | undefined;
  /** Whether to use WebAssembly's tail calls; where absent, if the engine has them. */
  readonly tailCalls?: boolean | undefined;
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

  constructor(runtime: Runtime, options: JitOptions = {}) {
    this.runtime = runtime;
    this.#maps = options.maps;
    this.#tailCalls = options.tailCalls ?? wasmFeatures().tailCalls;
  }

  /**
   * @throws InvalidProgramError
   * @throws BpfError `"TOO_LARGE"` for programs that make more code than WebAssembly takes: run them in the interpreter.
   */
  prepare(executable: JitExecutable): CompiledProgram {
    const { runtime } = this;
    const facts = factsFor(executable, runtime);
    const program = decodeProgram(executable, runtime);
    const records = new ProgramRecords(runtime, program.slots.length, new Set(program.functionLoads.values()));
    try {
      const exports = this.#instantiate(program, facts, records);
      const { name } = executable;
      return new CompiledProgram(runtime, this.#programs, { name, checked: facts === undefined, records, exports });
    } catch (error) {
      records.free();
      throw error;
    }
  }

  #instantiate(program: DecodedProgram, facts: ProgramFacts | undefined, records: ProgramRecords): ProgramExports {
    const { runtime } = this;
    const verified = program.executable.verified ?? false;
    const bytes = compileProgram(program, {
      tables: runtime,
      facts,
      mapAt: (address) => this.#maps?.mapAt(address),
      memory: runtime.memory.limits,
      functionRecords: records.functions,
      tailCalls: this.#tailCalls,
    });
    const env: Record<string, unknown> = {
      memory: runtime.memory.memory,
      regions: new (webAssembly().Global)({ value: "i32", mutable: false }, runtime.regions.header),
      programs: this.#programs.table,
      cpu: runtime.cpuGlobal,
      abort: (status: 1 | 2) => runtime.abort(status),
      loadPacket: (skb: number, offset: number, size: number) => runtime.loadPacket(skb, offset, size),
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
      const imports = { env, maps: this.#maps?.instance.exports ?? {} };
      return instantiate(bytes, imports).exports as unknown as ProgramExports;
    } catch (cause) {
      if (bytes.length < ENGINE_LIMIT || !(cause instanceof Error) || cause.name !== "CompileError") throw cause;
      const { name } = program.executable;
      throw new BpfError("TOO_LARGE", `${name} makes ${bytes.length} bytes of WebAssembly`, { name }, cause);
    }
  }
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
