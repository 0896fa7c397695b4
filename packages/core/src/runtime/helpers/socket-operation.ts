import { EEXIST, EINVAL, ENOSPC, EPERM } from "../../abi/index.js";
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
const OPTION_EXPERIMENT = 254;
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
      const [kind, length] = [runtime.memory.u8[at]!, runtime.memory.u8[at + 1]!];
      if (kind === OPTION_END || kind === OPTION_NOP) return -EINVAL;
      const found = optionOf(context.header.subarray(TCP_HEADER), kind, runtime.memory.copy(at + 2, size - 2), length);
      if (found === undefined) return -ENOMSG;
      runtime.memory.u8.set(found.subarray(0, size), at);
      return found.length > size ? -ENOSPC : found.length;
    },
    wide,
  );
};

function storeOption(context: SockOpsContext, option: Uint8Array): number {
  const [kind, length] = [option[0]!, option[1]!];
  if (kind === OPTION_END || kind === OPTION_NOP || length < 2 || length > option.length) return -EINVAL;
  if (kind === OPTION_EXPERIMENT && length < 4) return -EINVAL;
  const present = Uint8Array.of(...context.header.subarray(TCP_HEADER), ...context.written);
  const magic = kind === OPTION_EXPERIMENT ? option.subarray(2, 4) : new Uint8Array(0);
  if (optionOf(present, kind, magic, kind === OPTION_EXPERIMENT ? 4 : 0) !== undefined) return -EEXIST;
  if (length > context.reserved) return -ENOSPC;
  context.reserved -= length;
  context.written.push(...option.subarray(0, length));
  return 0;
}

/** The option of a kind; of experimental ones that which starts with the magic number that `magic` has, if `length` says so. */
function optionOf(options: Uint8Array, kind: number, magic: Uint8Array, length: number): Uint8Array | undefined {
  const magicLength = kind === OPTION_EXPERIMENT && length > 2 ? length - 2 : 0;
  for (let at = 0; at < options.length; ) {
    const found = options[at]!;
    if (found === OPTION_END) return undefined;
    const size = found === OPTION_NOP ? 1 : (options[at + 1] ?? 0);
    if (size === 0 || at + size > options.length) return undefined;
    const isSame = magic.subarray(0, magicLength).every((byte, index) => options[at + 2 + index] === byte);
    if (found === kind && isSame) return options.slice(at, at + size);
    at += size;
  }
  return undefined;
}

function operation(runtime: Runtime): SockOpsContext {
  const { context } = runtime.run;
  return context instanceof SockOpsContext ? context : runtime.fault("the program's context is no socket operation");
}
