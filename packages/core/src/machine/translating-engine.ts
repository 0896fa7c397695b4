import { ENOTSUPP } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import { Interpreter } from "../interpreter/index.js";
import { defaultJitSettings, Jit, type JitExecutable, type JitSettings } from "../jit/index.js";
import type { MapCore } from "../maps/index.js";
import type { Engine, ProgramImage, Runtime } from "../runtime/index.js";
import { failure } from "./failure.js";

/** Choices for a Machine's JIT. */
export interface TranslationOptions extends Partial<JitSettings> {
  /**
   * Programs that can't be translated are refused instead of interpreted, as by a kernel with CONFIG_BPF_JIT_ALWAYS_ON.
   * False by default.
   */
  readonly alwaysOn?: boolean | undefined;
  /** Whether to use WebAssembly's tail calls; where absent, if the engine has them. */
  readonly tailCalls?: boolean | undefined;
  /** Whether programs keep the text of their WebAssembly, for `program.code.listing`. */
  readonly listings?: boolean | undefined;
}

/** Translates programs, and interprets those that make too much code. Tail calls go from the ones to the others. */
export class TranslatingEngine implements Engine {
  readonly name = "jit";
  readonly jit: Jit;
  readonly #interpreter: Interpreter | undefined;

  constructor(
    runtime: Runtime,
    maps: MapCore,
    { alwaysOn = false, listings, tailCalls, ...settings }: TranslationOptions = {},
  ) {
    this.jit = new Jit(runtime, { maps, settings: { ...defaultJitSettings(), ...settings }, listings, tailCalls });
    this.#interpreter = alwaysOn ? undefined : new Interpreter(runtime, this.jit.entries);
  }

  /**
   * @throws InvalidProgramError
   * @throws SyscallError ENOTSUPP for a program that makes too much code where there is no interpreter.
   */
  prepare(executable: JitExecutable): ProgramImage {
    try {
      return this.jit.prepare(executable);
    } catch (error) {
      if (!(error instanceof BpfError) || (error.code !== "TOO_LARGE" && error.code !== "JIT_LIMIT")) throw error;
      if (this.#interpreter === undefined) throw failure("BPF_PROG_LOAD", ENOTSUPP, error.message);
      return this.#interpreter.prepare(executable);
    }
  }
}
