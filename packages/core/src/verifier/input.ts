import type { AttachType, Capability, KernelConfig, ProgramType } from "../abi/index.js";
import type { Btf, TypeId } from "../btf/index.js";

/** A map as the verifier sees it. Sizes are in bytes. */
export interface VerifierMap {
  readonly name: string;
  /** `BPF_MAP_TYPE_*`. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_* of the map. */
  readonly flags: number;
  /** The types of key and value, where the map was created with BTF. */
  readonly btf?: Btf | undefined;
  readonly keyTypeId?: TypeId | undefined;
  readonly valueTypeId?: TypeId | undefined;
  /** Template of the inner maps of a map of maps. */
  readonly inner?: VerifierMap | undefined;
  /** No one can write the map from user space any more. */
  readonly frozen?: boolean | undefined;
  /** Value of a single-entry array map: what programs read from it is known when it is frozen and read-only to them. */
  readonly contents?: Uint8Array | undefined;
  /** Global data of an object, which loaders map into memory only where the kernel can. */
  readonly dataSection?: boolean | undefined;
}

/** Where a function of the program starts, with its type in {@link VerifierInput.btf}. */
export interface VerifierFunction {
  readonly slot: number;
  readonly typeId: TypeId;
  /** In place of what the type says: hidden functions are static to the verifier, although BTF has them as global. */
  readonly linkage?: "static" | "global" | undefined;
}

/** Source position of the instructions from `slot` on. */
export interface VerifierLine {
  readonly slot: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** A program as bpf(2) would get it: references filled in with the descriptors that {@link maps} names. */
export interface VerifierInput {
  /** Little-endian slots of 8 bytes. */
  readonly insns: Uint8Array;
  readonly type: ProgramType;
  readonly attachType?: AttachType | undefined;
  /** BPF_F_* of the program. */
  readonly flags?: number | undefined;
  /** E.g. `"GPL"`. */
  readonly license: string;
  /** Maps by the descriptor in a lddw's immediate (`BPF_PSEUDO_MAP_FD`, `BPF_PSEUDO_MAP_VALUE`). */
  readonly maps: ReadonlyMap<number, VerifierMap>;
  /** Descriptors behind `BPF_PSEUDO_MAP_IDX`. */
  readonly fdArray?: readonly number[] | undefined;
  /** The program's own types. */
  readonly btf?: Btf | undefined;
  readonly functions?: readonly VerifierFunction[] | undefined;
  readonly lines?: readonly VerifierLine[] | undefined;
  /** Function or type in {@link kernelTypes} that the program attaches to. */
  readonly attachBtfId?: TypeId | undefined;
  /** Of a struct_ops program: index of the member of the struct {@link attachBtfId} that it implements. */
  readonly structOpsMember?: number | undefined;
  /** The running kernel's types: needed for kernel functions and typed pointers. */
  readonly kernelTypes?: Btf | undefined;
}

/** Choices for `verify`. */
export interface VerifyOptions {
  /** As bpf(2)'s `log_level`: 1 the way to the error, 2 every step, 4 the figures. 0 where absent. */
  readonly logLevel?: number | undefined;
  /** Characters of log to keep; the start goes first. 16 Mi where absent. */
  readonly logLimit?: number | undefined;
  /**
   * What the loader may do; everything where absent, `[]` for one without privileges (who can load at all only where
   * `kernel.unprivileged_bpf_disabled` is 0). Without `"perfmon"` the analysis keeps pointers and old stack contents from
   * the program and follows paths that a CPU would only guess; without `"bpf"` there are no functions and no loops.
   */
  readonly capabilities?: readonly Capability[] | undefined;
  /** CPUs of the machine that will run the program: what bpf_get_smp_processor_id() stays below. 2 where absent. */
  readonly cpus?: number | undefined;
  /** Functions of tracing programs may get stacks of their own. True where absent; kernels before 6.13 have none. */
  readonly privateStacks?: boolean | undefined;
  /**
   * How the kernel is configured: what it is built without is refused. Everything is there where absent. Kernel
   * functions are looked for in {@link VerifierInput.kernelTypes} alone; `verifierInput` takes the configuration for them.
   */
  readonly kernelConfig?: KernelConfig | undefined;
  /** Spills around calls that the kernel inlines take no stack. True where absent; in kernels before 6.12 they do. */
  readonly fastcallCredit?: boolean | undefined;
  /** Asked now and then while the analysis runs; it ends as `not_reached` once this returns true. */
  readonly shouldStop?: (() => boolean) | undefined;
  /** Milliseconds from an arbitrary start, for a verdict's time. */
  readonly now?: (() => number) | undefined;
}

/** BPF_F_* of programs that change the analysis. */
export const STRICT_ALIGNMENT = 1 << 0;
export const ANY_ALIGNMENT = 1 << 1;
export const TEST_RANDOM_HIGH_BITS = 1 << 2;
export const TEST_STATE_FREQUENCY = 1 << 3;
export const SLEEPABLE = 1 << 4;
export const XDP_HAS_FRAGMENTS = 1 << 5;
export const XDP_DEVICE_BOUND_ONLY = 1 << 6;
export const TEST_INVARIANTS = 1 << 7;

/** BPF_F_* of maps. */
export const MAP_READ_ONLY_PROGRAM = 1 << 7;
export const MAP_WRITE_ONLY_PROGRAM = 1 << 8;
