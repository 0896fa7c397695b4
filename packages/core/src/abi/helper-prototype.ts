/**
 * What a helper wants in one argument register. The names follow the kernel's `enum bpf_arg_type`.
 *
 * `const_size` and `const_size_or_zero` give the size in bytes of the memory argument just before them;
 * `alloc_size_or_zero` has to be a known constant.
 */
export type ArgumentKind =
  | "anything"
  | "scalar"
  | "const_map_ptr"
  | "map_key"
  | "map_value"
  | "mem"
  | "const_size"
  | "const_size_or_zero"
  | "alloc_size_or_zero"
  | "ctx"
  | "spin_lock"
  | "timer"
  | "sock_common"
  | "socket"
  | "btf_id"
  | "btf_id_sock_common"
  | "percpu_btf_id"
  | "ringbuf_mem"
  | "func"
  | "stack"
  | "const_str"
  | "kptr_xchg_dest"
  | "dynptr"
  | "arena";

/** Kinds of dynptr; as an argument's constraint, `undefined` takes any of them. */
export type DynptrKind = "local" | "ringbuf" | "skb" | "xdp" | "skb_meta" | "file";

/** What a helper asks of one of its arguments. */
export interface HelperArgument {
  readonly kind: ArgumentKind;
  /** A null pointer will do (`_OR_NULL`). */
  readonly nullable?: true;
  /** Memory that the helper only reads, so that read-only memory will do (`MEM_RDONLY`). */
  readonly readOnly?: true;
  /** Memory (or a dynptr) that the helper fills without reading it (`MEM_UNINIT`). */
  readonly uninitialized?: true;
  /** Memory that the helper writes (`MEM_WRITE`). */
  readonly writes?: true;
  /** Bytes of memory of a size fixed by the prototype (`MEM_FIXED_SIZE`). */
  readonly fixedSize?: number;
  /** Fixed-size memory that has to be naturally aligned (`MEM_ALIGNED`). */
  readonly aligned?: true;
  /** The call gives the referenced object away (`OBJ_RELEASE`). */
  readonly releases?: true;
  /** The kernel struct that a `btf_id`, `percpu_btf_id` or `btf_id_sock_common` points to. */
  readonly struct?: string;
  readonly dynptr?: DynptrKind;
}

/** What r0 is after the call. The names follow the kernel's `enum bpf_return_type`. */
export type ReturnKind =
  | "integer"
  | "void"
  | "map_value"
  | "socket"
  | "tcp_sock"
  | "sock_common"
  | "mem"
  | "ringbuf_mem"
  | "dynptr_mem"
  | "mem_or_btf_id"
  | "btf_id";

/** What a helper leaves in r0. */
export interface HelperReturn {
  readonly kind: ReturnKind;
  readonly nullable?: true;
  /** A `btf_id` that is known to be valid (`PTR_TRUSTED`). */
  readonly trusted?: true;
  /** Memory that the program may only read (`MEM_RDONLY`). */
  readonly readOnly?: true;
  /** The kernel struct of a `btf_id`. */
  readonly struct?: string;
}

/**
 * One way of calling a helper. A few helpers take other arguments in other program types (`bpf_get_socket_cookie` takes
 * a context, a `struct sock` or a socket); each such form is a prototype of its own, told apart by `variant`.
 */
export interface HelperPrototype {
  /** The number in a call's immediate (`BPF_FUNC_*`). */
  readonly id: number;
  /** Without `bpf_`. */
  readonly name: string;
  /** Tells the prototypes of one helper apart; absent on the usual one. */
  readonly variant?: string;
  /** First kernel with the helper. */
  readonly since: string;
  readonly args: readonly HelperArgument[];
  readonly returns: HelperReturn;
  /** For programs under a GPL-compatible licence only. */
  readonly gplOnly?: true;
  /** Memory arguments may point into the packet, where the program type allows it. */
  readonly packetAccess?: true;
  /** May sleep: sleepable programs only, outside of RCU, spin-lock and preemption-disabled sections. */
  readonly mightSleep?: true;
  /** Leaves caller-saved registers other than its arguments' and r0 alone (`allow_fastcall`). */
  readonly fastcall?: true;
  /** The call may move packet data: every packet pointer that the program holds becomes invalid. */
  readonly changesPacket?: true;
}
