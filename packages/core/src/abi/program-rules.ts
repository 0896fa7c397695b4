import type { AttachType } from "./attach-types.js";
import type { ContextLayout } from "./context-layout.js";
import type { MapType } from "./map-types.js";
import type { ProgramType } from "./program-types.js";

/**
 * A helper that a program type may call. The conditions name what else has to hold; a grant without conditions holds
 * for every program of the type.
 */
export interface HelperGrant {
  /** {@link HelperPrototype.name}. */
  readonly helper: string;
  /** {@link HelperPrototype.variant}, where it isn't the usual prototype. */
  readonly variant?: string;
  readonly attachTypes?: readonly AttachType[];
  readonly notAttachTypes?: readonly AttachType[];
  /** Only programs that attach to one of these kernel functions or structs. */
  readonly attachTo?: readonly string[];
  /** Refused, as unknown, to programs without this capability. */
  readonly capability?: "bpf" | "perfmon";
  /** Another prototype for sleepable programs. */
  readonly sleepableVariant?: string;
}

/** Values that r0 may have at the program's end (inclusive, signed 32 bits); no rule: any scalar. */
export interface ReturnRule {
  /** Attach types that the rule is for; all that no other rule names, where absent. */
  readonly attachTypes?: readonly AttachType[];
  readonly min: number;
  readonly max: number;
  /** Programs that return only within this narrower range have to be attached as the attach type says. */
  readonly enforceAttach?: readonly [number, number];
}

/** What the verifier needs to know of a program type. */
export interface ProgramRules {
  readonly type: ProgramType;
  /**
   * What r1 points to: a layout; `"btf"` for arguments that the kernel's BTF types (tracing, lsm, struct_ops);
   * `"scratch"` for memory that is the program's own (syscall; 64 KiB at most); `"target"` for what the replaced function
   * takes (ext).
   */
  readonly context: ContextLayout | "btf" | "scratch" | "target";
  /** Direct packet access: not at all, reading, or writing as well. */
  readonly packet: "none" | "read" | "read_write";
  /** LD_ABS and LD_IND work (`may_access_skb`). */
  readonly loadsSkb?: true;
  /** Call depth counts per frame, not combined, with the JIT's private stacks (since 6.13). */
  readonly privateStack?: boolean;
  /** Programs may ask for BPF_F_SLEEPABLE. */
  readonly sleepable?: true;
  /** The type counts as tracing where maps refuse tracing programs (spin locks, timers, graphs). */
  readonly tracing?: true;
  readonly helpers: readonly HelperGrant[];
  readonly returns: readonly ReturnRule[];
}

/** Which helpers a map may be passed to, where the map's type restricts them. */
export interface MapHelperRule {
  readonly map: MapType;
  /** Names of the only helpers that take such a map. */
  readonly helpers: readonly string[];
}

/** Which maps a helper takes, where the helper restricts them. */
export interface HelperMapRule {
  readonly helper: string;
  readonly maps: readonly MapType[];
}

/** A kernel function that programs may call, by its name in the kernel's BTF. Its prototype is the BTF's. */
export interface Kfunc {
  readonly name: string;
  readonly since: string;
  /** KF_* flags, lower case, without the prefix. */
  readonly flags: readonly (
    | "acquire"
    | "release"
    | "ret_null"
    | "trusted_args"
    | "sleepable"
    | "destructive"
    | "rcu"
    | "rcu_protected"
    | "iter_new"
    | "iter_next"
    | "iter_destroy"
    | "arena_ret"
    | "arena_arg1"
    | "arena_arg2"
    | "fastcall"
    | "must_have_null_rcu_args"
  )[];
  /** Program types that may call it; `"all"` for the common set. A type `ext` program may call what its target may. */
  readonly programs: "all" | readonly ProgramType[];
  /** Only programs with one of these expected attach types. */
  readonly attachTypes?: readonly AttachType[];
  /** Only programs that are bound to a device (BPF_F_XDP_DEV_BOUND_ONLY), which is checked before anything else. */
  readonly deviceBound?: true;
}
