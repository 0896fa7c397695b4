import { ENOTSUPP, HELPER_TAIL_CALL } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import { Interpreter } from "../interpreter/index.js";
import { defaultJitSettings, Jit, type JitExecutable, type JitSettings } from "../jit/index.js";
import type { MapCore } from "../maps/index.js";
import { decodeProgram, type Engine, type ProgramImage, type Runtime } from "../runtime/index.js";
import { failure } from "./failure.js";

/** Choices for a Machine's JIT. */
export interface TranslationOptions extends Partial<JitSettings> {
  /**
   * Programs that can't be translated are refused instead of interpreted, as by a kernel with CONFIG_BPF_JIT_ALWAYS_ON.
   * False by default.
   */
  readonly alwaysOn?: boolean | undefined;
  /** Whether programs keep the text of their WebAssembly, for {@link MachineProgram.listing}. */
  readonly listings?: boolean | undefined;
}

/** Translates programs, and interprets those that make too much code. */
export class TranslatingEngine implements Engine {
  readonly name = "jit";
  readonly jit: Jit;
  readonly #runtime: Runtime;
  readonly #interpreter: Interpreter | undefined;

  constructor(runtime: Runtime, maps: MapCore, { alwaysOn = false, listings, ...settings }: TranslationOptions = {}) {
    this.#runtime = runtime;
    this.jit = new Jit(runtime, { maps, settings: { ...defaultJitSettings(), ...settings }, listings });
    this.#interpreter = alwaysOn ? undefined : new Interpreter(runtime);
  }

  /**
   * @throws InvalidProgramError
   * @throws BpfError `"TOO_LARGE"`, `"JIT_LIMIT"` for a program that makes too much code, and tail calls, which stay within
   * one engine.
   * @throws SyscallError ENOTSUPP for a program that makes too much code where there is no interpreter.
   */
  prepare(executable: JitExecutable): ProgramImage {
    try {
      return this.jit.prepare(executable);
    } catch (error) {
      if (!(error instanceof BpfError) || (error.code !== "TOO_LARGE" && error.code !== "JIT_LIMIT")) throw error;
      if (this.#interpreter === undefined) throw failure("BPF_PROG_LOAD", ENOTSUPP, error.message);
      if (decodeProgram(executable, this.#runtime).helpers.has(HELPER_TAIL_CALL)) throw error;
      return this.#interpreter.prepare(executable);
    }
  }
}
