import { EFAULT, EINVAL, EOPNOTSUPP } from "../../abi/index.js";
import { StackTraceMap } from "../../maps/index.js";
import type { Environment } from "../environment.js";
import type { HelperFamily } from "./definition.js";
import { tracing } from "./tracing.js";

const SKIP_MASK = 0xff;
const BPF_F_USER_STACK = 1 << 8;
const BPF_F_FAST_STACK_CMP = 1 << 9;
const BPF_F_REUSE_STACKID = 1 << 10;
const BPF_F_USER_BUILD_ID = 1 << 11;
const STACK_FLAGS = SKIP_MASK | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID;
const STACKID_FLAGS = SKIP_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID;
const ADDRESS_SIZE = 8;

/** Stack traces: those that the caller gave the event. Build ids are -EINVAL: there are no files behind the addresses. */
export const stackTraceHelpers: HelperFamily = (define, environment) => {
  const { runtime, maps } = environment;
  const wide = { wide: true };
  define(
    "get_stack",
    "int",
    (_context, to, size, flags) => copyTrace(environment, to, size, flags, runtime.registerHigh(4)),
    wide,
  );
  define(
    "get_task_stack",
    "int",
    (task, to, size, flags) => {
      const isCurrent = environment.kernel.types !== undefined && task >>> 0 === environment.tasks.current.address;
      if (!isCurrent && (flags & BPF_F_USER_STACK) !== 0) return -EOPNOTSUPP;
      if (isCurrent) return copyTrace(environment, to, size, flags, runtime.registerHigh(4));
      runtime.memory.u8.fill(0, to >>> 0, (to >>> 0) + size);
      return 0;
    },
    wide,
  );
  define(
    "get_stackid",
    "int",
    (_context, address, flags) => {
      const map = maps.mapAt(address >>> 0);
      if ((flags & ~STACKID_FLAGS) !== 0 || runtime.registerHigh(3) !== 0 || !(map instanceof StackTraceMap))
        return -EINVAL;
      const trace = traceOf(environment, flags);
      if (trace === undefined || trace.length === 0) return -EFAULT;
      return map.store(encode(trace), flags & (BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID));
    },
    wide,
  );
};

/** Addresses beyond those that the flags skip; undefined where there are not so many. */
function traceOf({ runtime }: Environment, flags: number): readonly bigint[] | undefined {
  const event = tracing(runtime)?.event;
  const stack = ((flags & BPF_F_USER_STACK) !== 0 ? event?.userStack : event?.kernelStack) ?? [];
  const skip = flags & SKIP_MASK;
  return stack.length < skip ? undefined : stack.slice(skip);
}

function copyTrace(environment: Environment, to: number, size: number, flags: number, high: number): number {
  const { u8 } = environment.runtime.memory;
  const at = to >>> 0;
  const refuse = (errno: number) => {
    u8.fill(0, at, at + size);
    return -errno;
  };
  if ((flags & ~STACK_FLAGS) !== 0 || high !== 0 || (flags & BPF_F_USER_BUILD_ID) !== 0) return refuse(EINVAL);
  if (size % ADDRESS_SIZE !== 0) return refuse(EINVAL);
  const trace = traceOf(environment, flags);
  if (trace === undefined) return refuse(EFAULT);
  const bytes = encode(trace).subarray(0, size);
  u8.set(bytes, at);
  u8.fill(0, at + bytes.length, at + size);
  return bytes.length;
}

function encode(trace: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(trace).buffer);
}
