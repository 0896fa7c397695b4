import { Interpreter } from "../interpreter/index.js";
import { CompiledProgram, type JitExecutable } from "../jit/index.js";
import type { MapCore } from "../maps/index.js";
import type { Engine, ProgramImage, Runtime } from "../runtime/index.js";
import { TranslatingEngine, type TranslationOptions } from "./translating-engine.js";

const LINE = 16;

/** What runs programs to come: by `net.core.bpf_jit_enable`. */
export class EngineChoice implements Engine {
  /** 0 the interpreter, 1 the JIT, 2 the JIT with a dump. */
  enable: number;
  /** There is no interpreter (CONFIG_BPF_JIT_ALWAYS_ON). */
  readonly alwaysOn: boolean;
  readonly translating: TranslatingEngine;
  readonly #interpreter: Interpreter;
  readonly #log: (line: string) => void;

  constructor(
    runtime: Runtime,
    maps: MapCore,
    options: {
      readonly enable: 0 | 1;
      readonly jit?: TranslationOptions | undefined;
      readonly log: (line: string) => void;
    },
  ) {
    this.enable = options.enable;
    this.alwaysOn = options.jit?.alwaysOn ?? false;
    this.translating = new TranslatingEngine(runtime, maps, options.jit);
    this.#interpreter = new Interpreter(runtime);
    this.#log = options.log;
  }

  get name(): Engine["name"] {
    return this.enable === 0 ? "interpreter" : "jit";
  }

  prepare(executable: JitExecutable): ProgramImage {
    if (this.enable === 0) return this.#interpreter.prepare(executable);
    const image = this.translating.prepare(executable);
    if (this.enable === 2 && image instanceof CompiledProgram) this.#dump(executable, image);
    return image;
  }

  /** As the kernel writes it to its log. */
  #dump({ insns }: JitExecutable, image: CompiledProgram): void {
    const { bytes } = image;
    const address = image.record.toString(16).padStart(8, "0");
    this.#log(`flen=${insns.length / 8} proglen=${bytes.length} pass=1 image=${address} from=${image.name} pid=1`);
    for (let at = 0; at < bytes.length; at += LINE) {
      const line = Array.from(bytes.subarray(at, at + LINE), (byte) => byte.toString(16).padStart(2, "0"));
      this.#log(`JIT code: ${at.toString(16).padStart(8, "0")}: ${line.join(" ")}`);
    }
  }
}
