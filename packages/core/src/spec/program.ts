import type { AttachType, ProgramType } from "../abi/index.js";
import type { TypeId } from "../btf/index.js";
import type { CoreRelocation } from "./core-relocation.js";

/**
 * Something that an instruction refers to and that only a host can fill in. The instruction at `slot` has the pseudo
 * source that its kind names and immediates of 0; hosts patch a copy.
 */
export type Reference =
  /** lddw of a map (`BPF_PSEUDO_MAP_FD`). */
  | { readonly kind: "map"; readonly slot: number; readonly map: string }
  /** lddw of an address in a map's only value (`BPF_PSEUDO_MAP_VALUE`); `offset` is in bytes, and the second slot's imm. */
  | { readonly kind: "map_value"; readonly slot: number; readonly map: string; readonly offset: number }
  /**
   * lddw of a kernel variable (`extern ... __ksym`), typed in the object's BTF (`BPF_PSEUDO_BTF_ID`) or not (`typeId` 0: a
   * plain constant, the symbol's address).
   */
  | {
      readonly kind: "ksym";
      readonly slot: number;
      readonly name: string;
      readonly typeId: TypeId;
      readonly weak: boolean;
    }
  /**
   * call of a kernel function (`BPF_PSEUDO_KFUNC_CALL`). `typeId` is the extern func in the object's BTF; 0 where the
   * object has none, and then the call is of a function that is defined nowhere.
   */
  | {
      readonly kind: "kfunc";
      readonly slot: number;
      readonly name: string;
      readonly typeId: TypeId;
      readonly weak: boolean;
    };

/** Where a function of a program starts. Sorted by slot; the first is at slot 0 and is the program itself. */
export interface FunctionRecord {
  /** First slot of the function within the program. */
  readonly slot: number;
  readonly name: string;
  /** BTF func in the object's BTF; 0 where there is none. */
  readonly typeId: TypeId;
  /**
   * As the verifier takes it: a function with hidden visibility is static, whatever its BTF says, and so are all but the
   * first in objects without BTF.
   */
  readonly linkage: "static" | "global";
}

/** Source position of the instructions from `slot` up to the next record. Sorted by slot. */
export interface LineRecord {
  readonly slot: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 where unknown. */
  readonly column: number;
  /** The source line's text, as the compiler recorded it. */
  readonly text: string;
}

/** One program, ready for any host: its subprograms are linked in behind it. A value without an environment. */
export interface ProgramSpec {
  /** The function's name, at full length; hosts shorten it to 15 bytes for the kernel. */
  name: string;
  /** ELF section, e.g. `"xdp"` or `"tp/syscalls/sys_enter_execve"`; empty when built by hand. */
  section: string;
  type: ProgramType;
  attachType?: AttachType | undefined;
  /** What the section names as target: a function, tracepoint, struct member ... */
  attachTo?: string | undefined;
  /** BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS ... (`prog_flags`). */
  flags: number;
  /** E.g. `"GPL"`; empty where the object names none. */
  license: string;
  /** `version` section of old kprobe objects, as KERNEL_VERSION() packs it; 0 if none. */
  kernelVersion: number;
  /** False for sections that libbpf does not load by itself (`SEC("?xdp")`). */
  autoload: boolean;
  /** Little-endian slots. */
  insns: Uint8Array;
  references: readonly Reference[];
  functions: readonly FunctionRecord[];
  lines: readonly LineRecord[];
  coreRelocations: readonly CoreRelocation[];
}

/** A program whose type has to be chosen before it can be loaded. */
export type UntypedProgramSpec = Omit<ProgramSpec, "type">;
