import { EFAULT, EINVAL } from "../../abi/index.js";
import { readString } from "../read-string.js";
import type { KfuncFamily } from "./definition.js";

const SIGNAL_MAX = 64;
/** `struct bpf_iter_task` on the program's stack, as it is used here: the task that comes next, and the flags. */
const iterator = { next: 0, mode: 4, process: 8, size: 24 } as const;
const EVERY_PROCESS = 0;
const EVERY_THREAD = 1;
const THREADS_OF_PROCESS = 2;

/** Tasks: by id, and one after the other. References are not counted: the caller's objects live as long as the caller says. */
export const taskKfuncs: KfuncFamily = (define, environment) => {
  const { runtime, tasks } = environment;
  const types = { needsKernelTypes: true };
  define("bpf_task_acquire", "uint", (task) => task, types);
  define("bpf_task_release", "int", () => 0, types);
  for (const name of ["bpf_task_from_pid", "bpf_task_from_vpid"]) {
    define(name, "uint", (pid) => tasks.find(pid)?.address ?? 0, types);
  }
  define(
    "bpf_send_signal_task",
    "int",
    (task, signal, type) => {
      const target = tasks.all.find(({ address }) => address === task >>> 0);
      if (target === undefined || signal < 0 || signal > SIGNAL_MAX || type < 0 || type > 1) return -EINVAL;
      environment.signal({ signal, thread: type === 0, pid: Number(target.member(type === 0 ? "pid" : "tgid")) });
      return 0;
    },
    types,
  );

  define(
    "bpf_iter_task_new",
    "int",
    (address, task, flags) => {
      const at = address >>> 0;
      if (!runtime.accessible(at, iterator.size, true)) runtime.fault("an iterator lies on the stack");
      const words = runtime.memory.u32;
      words.fill(0, at >>> 2, (at + iterator.size) >>> 2);
      if (flags !== EVERY_PROCESS && flags !== EVERY_THREAD && flags !== THREADS_OF_PROCESS) {
        words[at >>> 2] = tasks.all.length;
        return -EINVAL;
      }
      words[(at + iterator.mode) >>> 2] = flags;
      words[(at + iterator.process) >>> 2] = task;
      return 0;
    },
    types,
  );
  define(
    "bpf_iter_task_next",
    "uint",
    (address) => {
      const words = runtime.memory.u32;
      const at = address >>> 2;
      const mode = words[at + iterator.mode / 4]!;
      const process = tasks.all.find((task) => task.address === words[at + iterator.process / 4]);
      for (;;) {
        const task = tasks.all[words[at]!];
        if (task === undefined) return 0;
        words[at] = words[at]! + 1;
        const isLeader = task.member("pid") === task.member("tgid");
        const isWanted =
          mode === EVERY_THREAD ||
          (mode === EVERY_PROCESS && isLeader) ||
          (mode === THREADS_OF_PROCESS && task.member("tgid") === process?.member("tgid"));
        if (isWanted) return task.address;
      }
    },
    types,
  );
  define("bpf_iter_task_destroy", "int", () => 0, types);

  define(
    "bpf_copy_from_user_str",
    "int",
    (to, size, from, flags) => {
      const [at, room] = [to >>> 0, size >>> 0];
      if ((flags & ~1) !== 0 || runtime.registerHigh(4) !== 0) return -EINVAL;
      if (room === 0) return 0;
      const text = runtime.registerHigh(3) === 0 ? readString(runtime, from >>> 0, room - 1) : undefined;
      if (text === undefined) {
        runtime.memory.u8.fill(0, at, at + room);
        return -EFAULT;
      }
      runtime.memory.u8.set(text, at);
      runtime.memory.u8.fill(0, at + text.length, flags === 1 ? at + room : at + text.length + 1);
      return text.length + 1;
    },
    { wide: true },
  );
};
