import { bpf, FileDescriptor } from "../sys/index.js";

const BPF_STATS_RUN_TIME = 0;

/**
 * Has the kernel count runs and run time of all programs (`runCount`, `runTimeNs`) while the result is open. Since 5.8;
 * costs some 20 ns a run.
 */
export function enableStatistics(): FileDescriptor {
  return new FileDescriptor(bpf("BPF_ENABLE_STATS", { type: BPF_STATS_RUN_TIME }), "run time statistics");
}
