import { syscallError } from "./errno.js";
import { FileDescriptor } from "./file-descriptor.js";
import { lastErrno, libc } from "./libc.js";
import { NativeBuffer, setU64 } from "./memory.js";
import { syscallNumbers } from "./platform.js";

/** Part of `struct perf_event_attr`. */
export interface PerfEventAttr {
  readonly type: number;
  readonly config: bigint;
  /** Path of a uprobe as an address. */
  readonly config1?: number;
  /** Offset of a uprobe. */
  readonly config2?: number;
  /** Events, or with `frequency` events a second, from one run of the program to the next. */
  readonly samplePeriod?: number;
  readonly frequency?: boolean;
  readonly sampleType?: number;
  readonly wakeupEvents?: number;
}

const ATTR_SIZE = 128;
const FLAG_FREQUENCY = 1 << 10;
const PERF_FLAG_FD_CLOEXEC = 8;
const PERF_EVENT_IOC_ENABLE = 0x2400;

/**
 * perf_event_open(2): the event's fd.
 *
 * @param pid Process to watch; -1 all.
 * @param cpu CPU to watch; -1 any.
 * @throws SyscallError
 */
export function openPerfEvent(attr: PerfEventAttr, pid: number, cpu: number, what: string): FileDescriptor {
  const buffer = new NativeBuffer(ATTR_SIZE);
  const { view } = buffer;
  view.setUint32(0, attr.type, true);
  view.setUint32(4, ATTR_SIZE, true);
  view.setBigUint64(8, attr.config, true);
  setU64(view, 16, attr.samplePeriod ?? 0);
  setU64(view, 24, attr.sampleType ?? 0);
  setU64(view, 40, attr.frequency ? FLAG_FREQUENCY : 0);
  view.setUint32(48, attr.wakeupEvents ?? 0, true);
  setU64(view, 56, attr.config1 ?? 0);
  setU64(view, 64, attr.config2 ?? 0);
  const fd = libc().syscall(syscallNumbers().perfEventOpen, buffer.address, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) throw syscallError(`perf_event_open of ${what}`, lastErrno());
  return new FileDescriptor(Number(fd), what);
}

/** Starts an event that runs no program (a perf buffer's). */
export function enablePerfEvent(event: FileDescriptor): void {
  if (libc().ioctl(event.number, PERF_EVENT_IOC_ENABLE, 0) < 0)
    throw syscallError("ioctl of PERF_EVENT_IOC_ENABLE", lastErrno());
}
