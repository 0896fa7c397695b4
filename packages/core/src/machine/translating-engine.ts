import { BpfError } from "../base/index.js";
import { Interpreter } from "../interpreter/index.js";
import { Jit, type JitExecutable } from "../jit/index.js";
import type { MapCore } from "../maps/index.js";
import { decodeProgram, type Engine, HELPER_TAIL_CALL, type ProgramImage, type Runtime } from "../runtime/index.js";

/** Translates programs, and interprets those that make more code than WebAssembly takes. */
export class TranslatingEngine implements Engine {
  readonly name = "jit";
  readonly #runtime: Runtime;
  readonly #jit: Jit;
  readonly #interpreter: Interpreter;

  constructor(runtime: Runtime, maps: MapCore) {
    this.#runtime = runtime;
    this.#jit = new Jit(runtime, { maps });
    this.#interpreter = new Interpreter(runtime);
  }

  /**
   * @throws InvalidProgramError
   * @throws BpfError `"TOO_LARGE"` for a program that is too large and makes tail calls, which stay within one engine.
   */
  prepare(executable: JitExecutable): ProgramImage {
    try {
      return this.#jit.prepare(executable);
    } catch (error) {
      const tooLarge = error instanceof BpfError && error.code === "TOO_LARGE";
      if (!tooLarge || decodeProgram(executable, this.#runtime).helpers.has(HELPER_TAIL_CALL)) throw error;
      return this.#interpreter.prepare(executable);
    }
  }
}
