import { readdirSync, readlinkSync } from "node:fs";
import { BpfCall, NativeBuffer, textOf } from "../sys/index.js";

/** A program that runs on an event which a process holds open. */
export interface PerfAttachment {
  readonly pid: number;
  readonly fd: number;
  readonly programId: number;
  readonly kind: "raw_tracepoint" | "tracepoint" | "kprobe" | "kretprobe" | "uprobe" | "uretprobe";
  /** Tracepoint, function or file; empty for a kprobe by address. */
  readonly name: string;
  /** Bytes into the function or file. */
  readonly offset: bigint;
  /** Of a kprobe by address. */
  readonly address: bigint;
}

const kinds = ["raw_tracepoint", "tracepoint", "kprobe", "kretprobe", "uprobe", "uretprobe"] as const;
const NAME_SIZE = 4096;

/** Goes through the events of all processes (BPF_TASK_FD_QUERY, since 4.18). What may not be seen is left out. */
export function* perfAttachments(): IterableIterator<PerfAttachment> {
  const name = new NativeBuffer(NAME_SIZE);
  for (const process of readdirSync("/proc")) {
    if (!/^\d+$/.test(process)) continue;
    for (const fd of descriptors(process)) {
      const found = queryEvent(Number(process), fd, name);
      if (found !== undefined) yield found;
    }
  }
}

/** fds that may be events: perf's own and links. */
function descriptors(process: string): number[] {
  try {
    return readdirSync(`/proc/${process}/fd`)
      .filter((fd) => /perf_event|bpf/.test(readTarget(`/proc/${process}/fd/${fd}`)))
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function readTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function queryEvent(pid: number, fd: number, name: NativeBuffer): PerfAttachment | undefined {
  name.bytes[0] = 0;
  const call = new BpfCall("BPF_TASK_FD_QUERY", { pid, fd, buf: name.address, buf_len: name.length });
  if (call.try() < 0) return undefined;
  const kind = kinds[call.get("fd_type")];
  if (kind === undefined) return undefined;
  return {
    pid,
    fd,
    programId: call.get("prog_id"),
    kind,
    name: textOf(name.bytes),
    offset: call.get64("probe_offset"),
    address: call.get64("probe_addr"),
  };
}
