import { EINVAL } from "../../abi/index.js";
import { encodeText } from "../../base/index.js";
import type { HelperFamily } from "./definition.js";

const TASK_COMM_LEN = 16;

/** What programs ask about the CPU and the task that they run on. */
export const taskHelpers: HelperFamily = (define, environment) => {
  const { runtime, task } = environment;
  const pair = (high: number, low: number) => {
    runtime.setRegister(0, low, high);
    return 0;
  };
  define("get_smp_processor_id", "uint", () => runtime.cpu);
  define("get_numa_node_id", "uint", () => 0);
  define("get_prandom_u32", "uint", () => environment.random.next());
  define("get_current_pid_tgid", "wide", () => pair(task.tgid, task.pid));
  define("get_current_uid_gid", "wide", () => pair(task.gid, task.uid));
  define("get_current_cgroup_id", "wide", () => {
    const id = BigInt.asUintN(64, task.cgroupId);
    return pair(Number(id >> 32n), Number(BigInt.asIntN(32, id)));
  });
  define("get_current_comm", "int", (buffer, size) => {
    const to = buffer >>> 0;
    if (size <= 0) return -EINVAL;
    const comm = encodeText(task.comm).subarray(0, Math.min(size, TASK_COMM_LEN) - 1);
    // The kernel pads the whole buffer (strscpy_pad).
    runtime.memory.u8.fill(0, to, to + size);
    runtime.memory.u8.set(comm, to);
    return 0;
  });
};
