import type { Btf } from "../btf/index.js";
import type { Clock, ManualClock, Task } from "../runtime/index.js";
import type { TranslationOptions } from "./translating-engine.js";

/** Choices for a `Machine`. */
export interface MachineOptions {
  /** Possible CPUs, 1 by default. Programs run on CPU 0 unless told otherwise. */
  readonly cpus?: number | undefined;
  /** What programs read as time; a {@link ManualClock} at one second after boot by default. */
  readonly clock?: Clock | undefined;
  /** Seed of bpf_get_prandom_u32() and of hash tables; runs with the same seed do the same. */
  readonly seed?: number | undefined;
  /** The task that programs run in the context of. */
  readonly task?: Partial<Task> | undefined;
  /**
   * The types of the kernel that the Machine stands for (`loadKernelTypes()` of `@tsbpf/core/kernel-types`, or a running
   * kernel's): objects are relocated against them, and programs that trace, or call kernel functions, verified with them.
   */
  readonly kernelTypes?: Btf | undefined;
  /**
   * What runs programs: translated to WebAssembly (the default), where those that the verifier accepted run without checks
   * of their own, or interpreted.
   */
  readonly engine?: "jit" | "interpreter" | undefined;
  /** The JIT's hardening and limits, as Linux has them under `net.core.bpf_jit_*`; `Machine.jit` changes them. */
  readonly jit?: TranslationOptions | undefined;
  /** Slots that one run may execute, 10 million by default. */
  readonly budget?: number | undefined;
  /** Bytes of linear memory at most, for maps, packets and stacks together; nearly 4 GiB by default. */
  readonly memory?: number | undefined;
  /** Receives what programs print with bpf_trace_printk(), a call at a time. */
  readonly trace?: ((text: string) => void) | undefined;
  /** Receives what the kernel would log, a line at a time: the JIT's dumps. */
  readonly kernelLog?: ((line: string) => void) | undefined;
}
