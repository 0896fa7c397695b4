import { EINVAL, ENOENT, EOPNOTSUPP, EPERM } from "../../abi/index.js";
import type { Environment } from "../environment.js";
import type { Runtime } from "../runtime.js";
import { TracingContext } from "../tracing-context.js";
import type { HelperFamily } from "./definition.js";

const SIGNAL_MAX = 64;
const INIT = 1;
/** The inode of the first pid namespace, and the device of the file system that it is in. */
const PID_NAMESPACE = { device: 4n, inode: 0xeffffffcn } as const;

/** What tracing programs ask about the event that they run at. */
export const tracingHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  const returns = (value: bigint) => {
    setResult(runtime, value);
    return 0;
  };
  define("get_attach_cookie", "wide", () => returns(tracing(runtime)?.event.cookie ?? 0n));
  define("get_func_ip", "wide", () => returns(tracing(runtime)?.event.functionAddress ?? 0n));
  define("get_func_arg_cnt", "wide", () => returns(BigInt(Math.max(0, tracing(runtime)?.argumentCount ?? 0))));
  define("get_func_arg", "int", (_context, index, to) => {
    const context = tracing(runtime);
    if (context === undefined || index >>> 0 >= context.argumentCount) return -EINVAL;
    runtime.memory.view.setBigUint64(to >>> 0, context.word(index), true);
    return 0;
  });
  define("get_func_ret", "int", (_context, to) => {
    const context = tracing(runtime);
    if (context === undefined || !context.hasResult) return -EOPNOTSUPP;
    runtime.memory.view.setBigUint64(to >>> 0, context.word(context.argumentCount), true);
    return 0;
  });
  define(
    "override_return",
    "int",
    () => {
      const context = tracing(runtime);
      if (context !== undefined) context.overridden = runtime.register(2);
      return 0;
    },
    { wide: true },
  );
  define("send_signal", "int", (signal) => send(environment, signal, false));
  define("send_signal_thread", "int", (signal) => send(environment, signal, true));
  // There is no processor with branch records behind a Machine: what the kernel answers without one.
  define("get_branch_snapshot", "int", () => -ENOENT);
  define("read_branch_records", "int", () => -ENOENT);
  define(
    "get_ns_current_pid_tgid",
    "int",
    (_device, _inode, to, size) => {
      const { u8, u32 } = runtime.memory;
      const at = to >>> 0;
      // There is one pid namespace, the first.
      const known = runtime.register(1) === PID_NAMESPACE.device && runtime.register(2) === PID_NAMESPACE.inode;
      if (size !== 8 || !known) {
        u8.fill(0, at, at + (size >>> 0));
        return -EINVAL;
      }
      u32[at >>> 2] = environment.task.pid;
      u32[(at >>> 2) + 1] = environment.task.tgid;
      return 0;
    },
    { wide: true },
  );
};

/** The context of the run, where it is a tracing program's. */
export function tracing(runtime: Runtime): TracingContext | undefined {
  const { context } = runtime.run;
  return context instanceof TracingContext ? context : undefined;
}

/** Leaves 64 bits in r0, for wide results. */
export function setResult(runtime: Runtime, value: bigint): void {
  runtime.setRegister(0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Init gets no signals from programs, as in the kernel. */
function send({ signal: deliver, task }: Environment, signal: number, thread: boolean): number {
  if (task.tgid === INIT) return -EPERM;
  if (signal < 0 || signal > SIGNAL_MAX) return -EINVAL;
  deliver({ signal, thread, pid: thread ? task.pid : task.tgid });
  return 0;
}
