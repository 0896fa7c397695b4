import type {
  Engine,
  Executable,
  ProgramEntries,
  ProgramImage,
  RunContext,
  RunStatus,
  Runtime,
} from "../runtime/index.js";
import { type LinearMemory, type WasmModule, type WasmTable, webAssembly } from "../wasm/index.js";
import { callRegister } from "./call-register.js";
import { DebugSession } from "./debug-session.js";
import { generateInterpreter, type InterpreterLoop } from "./loop.js";
import { predecode } from "./predecode.js";
import { InterpretedProgram } from "./program.js";

// The modules are the same for every runtime: they are generated and compiled once.
const modules = new Map<string, WasmModule>();

function compiledModule(kind: "plain" | "stepping", memory: LinearMemory["limits"]): WasmModule {
  const key = `${kind} ${memory.shared}`;
  let module = modules.get(key);
  if (module === undefined) {
    module = new (webAssembly().Module)(generateInterpreter(kind === "stepping", memory));
    modules.set(key, module);
  }
  return module;
}

/**
 * The reference meaning of every instruction. Every access is checked against its region and every slot counts against
 * the budget, so it runs programs that nobody verified.
 */
export class Interpreter implements Engine {
  readonly name = "interpreter";
  readonly runtime: Runtime;
  readonly #entries: ProgramEntries | undefined;
  readonly #programs: WasmTable;
  /** Loops by whether they step and whether they guard helpers' arguments. */
  readonly #loops = new Map<string, InterpreterLoop>();

  /**
   * @param entries where programs that it doesn't run are tail called, and its own by those. Without it, such a tail call
   * is a fault.
   */
  constructor(runtime: Runtime, entries?: ProgramEntries) {
    this.runtime = runtime;
    this.#entries = entries;
    this.#programs = entries?.table ?? new (webAssembly().Table)({ element: "anyfunc", initial: 0 });
  }

  /** @throws InvalidProgramError */
  prepare(executable: Executable): InterpretedProgram {
    const { runtime } = this;
    const verified = executable.verified ?? false;
    const predecoded = predecode(executable, runtime);
    runtime.helpers.link(predecoded.helpers);
    runtime.kfuncs.link(predecoded.kfuncs);
    return new InterpretedProgram(runtime, {
      name: executable.name,
      exceptionCallback: executable.exceptionCallback,
      verified,
      loop: this.#loop("plain", verified),
      predecoded,
      entries: this.#entries,
    });
  }

  /** Starts a run that stops before its first instruction. */
  debug(image: ProgramImage, context?: RunContext): DebugSession {
    if (!(image instanceof InterpretedProgram)) throw new TypeError("only interpreted programs can be stepped");
    const loops = { plain: this.#loop("plain", image.verified), stepping: this.#loop("stepping", image.verified) };
    return new DebugSession(this.runtime, loops, image, context);
  }

  #loop(kind: "plain" | "stepping", verified: boolean): InterpreterLoop {
    const key = `${kind} ${verified}`;
    let loop = this.#loops.get(key);
    if (loop === undefined) {
      loop = this.#instantiate(kind, verified);
      this.#loops.set(key, loop);
    }
    return loop;
  }

  #instantiate(kind: "plain" | "stepping", verified: boolean): InterpreterLoop {
    const { runtime } = this;
    const { helpers, kfuncs } = runtime;
    const { Global, Instance } = webAssembly();
    const env = {
      memory: runtime.memory.memory,
      regions: new Global({ value: "i32", mutable: false }, runtime.regions.header),
      helpers: verified ? helpers.table : helpers.guardedTable,
      kfuncs: verified ? kfuncs.table : kfuncs.guardedTable,
      programs: this.#programs,
      abort: (status: RunStatus) => runtime.abort(status),
      loadPacket: (skb: number, offset: number, size: number) => runtime.loadPacket(skb, offset, size),
      tailCallDeeper: (record: number) => runtime.tailCallDeeper(record),
      callRegister: (_area: number, low: number, high: number) => callRegister(runtime, low, high),
    };
    return new Instance(compiledModule(kind, runtime.memory.limits), { env }).exports as unknown as InterpreterLoop;
  }
}
