import type { Program } from "@tsbpf/core/host";
import { BpfCall, errnos, type FileDescriptor, fdOf, lastErrno, libc, syscallError } from "../sys/index.js";
import { Attachment, BpfLink } from "./link.js";

const PERF_EVENT_IOC_ENABLE = 0x2400;
const PERF_EVENT_IOC_DISABLE = 0x2401;
const PERF_EVENT_IOC_SET_BPF = 0x4004_2408;
const BPF_PERF_EVENT = 41;

/**
 * Runs a program at each of an event's occurrences: by a link (since 5.15), else by ioctl. Takes over `event`.
 *
 * @param cookie What bpf_get_attach_cookie() gives the program.
 */
export function attachPerfEvent(
  kind: string,
  program: Program,
  event: FileDescriptor,
  cookie?: bigint,
): BpfLink | Attachment {
  const call = new BpfCall("BPF_LINK_CREATE", {
    prog_fd: fdOf(program),
    target_fd: event.number,
    attach_type: BPF_PERF_EVENT,
    "perf_event.bpf_cookie": cookie,
  });
  const result = call.try();
  // The link holds the event.
  if (result >= 0) {
    event.close();
    return new BpfLink(kind, result, program);
  }
  if (result !== -errnos.EINVAL || cookie !== undefined) {
    event.close();
    throw syscallError(`BPF_LINK_CREATE of ${kind} program '${program.name}'`, -result);
  }
  for (const [request, argument] of [
    [PERF_EVENT_IOC_SET_BPF, fdOf(program)],
    [PERF_EVENT_IOC_ENABLE, 0],
  ] as const) {
    if (libc().ioctl(event.number, request, argument) >= 0) continue;
    const errno = lastErrno();
    event.close();
    throw syscallError(`ioctl of ${kind} program '${program.name}'`, errno);
  }
  const detach = () => {
    libc().ioctl(event.number, PERF_EVENT_IOC_DISABLE, 0);
    event.close();
  };
  return new Attachment(kind, program, { detach }, { outlives: false });
}
