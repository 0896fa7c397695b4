import type { Engine, Executable, ProgramImage, RunContext, Runtime } from "../runtime/index.js";
import { type WasmFunction, type WasmModule, webAssembly } from "../wasm/index.js";
import { callRegister } from "./call-register.js";
import { DebugSession } from "./debug-session.js";
import { generateInterpreter } from "./loop.js";
import { predecode } from "./predecode.js";
import { InterpretedProgram } from "./program.js";

/** The generated loop, instantiated for one runtime. */
export interface InterpreterLoop {
  readonly execute: WasmFunction;
  readonly invoke: WasmFunction;
  readonly resume: WasmFunction;
}

// The module is the same for every runtime: it is generated and compiled once.
const modules: { plain?: WasmModule; stepping?: WasmModule } = {};

/**
 * The reference meaning of every instruction. Every access is checked against its region and every slot counts against
 * the budget, so it runs programs that nobody verified.
 */
export class Interpreter implements Engine {
  readonly name = "interpreter";
  readonly runtime: Runtime;
  readonly #loop: InterpreterLoop;
  #stepper: InterpreterLoop | undefined;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.#loop = this.#instantiate("plain");
  }

  /** @throws InvalidProgramError */
  prepare(executable: Executable): InterpretedProgram {
    const { runtime } = this;
    const predecoded = predecode(executable, runtime);
    runtime.helpers.link(predecoded.helpers);
    runtime.kfuncs.link(predecoded.kfuncs);
    return new InterpretedProgram(runtime, this.#loop, executable.name, predecoded);
  }

  /** Starts a run that stops before its first instruction. */
  debug(image: ProgramImage, context?: RunContext): DebugSession {
    if (!(image instanceof InterpretedProgram)) throw new TypeError("only interpreted programs can be stepped");
    this.#stepper ??= this.#instantiate("stepping");
    return new DebugSession(this.runtime, { plain: this.#loop, stepping: this.#stepper }, image, context);
  }

  #instantiate(kind: "plain" | "stepping"): InterpreterLoop {
    const { runtime } = this;
    const { Global, Instance, Module } = webAssembly();
    modules[kind] ??= new Module(generateInterpreter(kind === "stepping"));
    const env = {
      memory: runtime.memory.memory,
      regions: new Global({ value: "i32", mutable: false }, runtime.regions.header),
      helpers: runtime.helpers.table,
      kfuncs: runtime.kfuncs.table,
      loadPacket: (skb: number, offset: number, size: number) => runtime.loadPacket(skb, offset, size),
      callRegister: (_area: number, low: number, high: number) => callRegister(runtime, low, high),
    };
    return new Instance(modules[kind], { env }).exports as unknown as InterpreterLoop;
  }
}
