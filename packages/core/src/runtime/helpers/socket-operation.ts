import { EEXIST, EFAULT, EINVAL, ENOENT, ENOSPC, EPERM } from "../../abi/index.js";
import { SockOpsContext } from "../contexts/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

/** BPF_SOCK_OPS_ALL_CB_FLAGS. */
const ALL_FLAGS = 0x7f;
const HDR_OPT_LEN_CB = 14;
const WRITE_HDR_OPT_CB = 15;
const ENOMSG = 42;
const TCP_HEADER = 20;
const OPTION_END = 0;
const OPTION_NOP = 1;
/** Kinds for experiments, which are told apart by the bytes behind their length (RFC 6994). */
const EXPERIMENTS: ReadonlySet<number> = new Set([253, 254]);
const LOAD_FROM_SYN = 1;

/** Which operations of a connection a program hears of, and options of TCP headers. */
export const socketOperationHelpers: HelperFamily = (define, { runtime }) => {
  const wide = { wide: true };
  define("sock_ops_cb_flags_set", "int", (_ctx, flags) => {
    const context = operation(runtime);
    const { socket } = context;
    if (socket?.tcp === undefined || context.isRequest) return -EINVAL;
    socket.callbackFlags = flags & ALL_FLAGS;
    context.callbackFlags = flags & ALL_FLAGS;
    return flags & ~ALL_FLAGS;
  });
  define(
    "reserve_hdr_opt",
    "int",
    (_ctx, length, flags) => {
      const context = operation(runtime);
      if (context.op !== HDR_OPT_LEN_CB) return -EPERM;
      if (flags !== 0 || !isNarrow(runtime, 3) || length >>> 0 < 2) return -EINVAL;
      if (length >>> 0 > context.reserved) return -ENOSPC;
      context.reserved -= length;
      return 0;
    },
    wide,
  );
  define(
    "store_hdr_opt",
    "int",
    (_ctx, from, size, flags) => {
      const context = operation(runtime);
      if (context.op !== WRITE_HDR_OPT_CB) return -EPERM;
      if (flags !== 0 || !isNarrow(runtime, 4) || size < 2) return -EINVAL;
      return storeOption(context, runtime.memory.copy(from >>> 0, size));
    },
    wide,
  );
  define(
    "load_hdr_opt",
    "int",
    (_ctx, to, size, flags) => {
      const context = operation(runtime);
      if ((flags & ~LOAD_FROM_SYN) !== 0 || !isNarrow(runtime, 4) || size < 2) return -EINVAL;
      const at = to >>> 0;
      const wanted = searchOf(runtime.memory.copy(at, size));
      if (wanted === undefined) return -EINVAL;
      // No SYN is kept here.
      if (flags & LOAD_FROM_SYN) return -ENOENT;
      if (context.op === HDR_OPT_LEN_CB || context.header.length === 0) return -EPERM;
      const found = findOption(context.header.subarray(TCP_HEADER), wanted);
      if (typeof found === "number") return found;
      runtime.memory.u8.set(found.subarray(0, size), at);
      return found.length > size ? -ENOSPC : found.length;
    },
    wide,
  );
};

/** An option that is looked for: of experimental kinds one whose data start with these bytes. */
interface Search {
  readonly kind: number;
  readonly magic: Uint8Array;
}

/** What a program looks for; undefined for what it can't. */
function searchOf(given: Uint8Array): Search | undefined {
  const [kind, length] = [given[0]!, given[1]!];
  if (length > given.length || kind === OPTION_END || kind === OPTION_NOP) return undefined;
  if (!EXPERIMENTS.has(kind)) return length === 0 ? { kind, magic: new Uint8Array(0) } : undefined;
  return length === 4 || length === 6 ? { kind, magic: given.subarray(2, length) } : undefined;
}

function storeOption(context: SockOpsContext, option: Uint8Array): number {
  const [kind, length] = [option[0]!, option[1]!];
  if (length > option.length || kind === OPTION_END || kind === OPTION_NOP) return -EINVAL;
  if (length > context.reserved) return -ENOSPC;
  const isExperiment = EXPERIMENTS.has(kind);
  if (isExperiment && length < 4) return -EINVAL;
  const present = Uint8Array.of(...context.header.subarray(TCP_HEADER), ...context.written);
  const magic = isExperiment ? option.subarray(2, 4) : new Uint8Array(0);
  const found = findOption(present, { kind, magic });
  if (typeof found !== "number") return -EEXIST;
  if (found !== -ENOMSG) return found;
  context.reserved -= length;
  context.written.push(...option.subarray(0, length));
  return 0;
}

/** The option that is looked for; -ENOMSG where there is none, -EFAULT where the options make no sense. */
function findOption(options: Uint8Array, { kind, magic }: Search): Uint8Array | number {
  for (let at = 0; at < options.length; ) {
    const found = options[at]!;
    if (found === OPTION_END) return -ENOMSG;
    if (found === OPTION_NOP) {
      at++;
      continue;
    }
    const size = options[at + 1] ?? 0;
    if (size < 2 || at + size > options.length) return -EFAULT;
    if (found === kind) {
      if (magic.length > size - 2) return -ENOMSG;
      if (magic.every((byte, index) => options[at + 2 + index] === byte)) return options.slice(at, at + size);
    }
    at += size;
  }
  return -ENOMSG;
}

function operation(runtime: Runtime): SockOpsContext {
  const { context } = runtime.run;
  return context instanceof SockOpsContext ? context : runtime.fault("the program's context is no socket operation");
}
