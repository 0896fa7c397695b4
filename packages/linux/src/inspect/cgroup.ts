import { type AttachType, attachTypeId } from "@tsbpf/core/abi";
import { BpfCall, errnos, NativeBuffer, openReadOnly, syscallError } from "../sys/index.js";

/** Programs of one hook of a cgroup. */
export interface CgroupHook {
  readonly attachType: AttachType;
  readonly programIds: readonly number[];
  /** BPF_F_ALLOW_OVERRIDE (1) and BPF_F_ALLOW_MULTI (2) of the hook; undefined when effective programs were asked for. */
  readonly flags: number | undefined;
}

const QUERY_EFFECTIVE = 1;

/**
 * What is attached to a cgroup v2, hook by hook.
 *
 * @param attachTypes Hooks to ask about; those that the kernel does not have are left out.
 * @throws SyscallError ENOENT, EBADF for what is no cgroup v2
 */
export function cgroupHooks(
  path: string,
  attachTypes: readonly AttachType[],
  options: { readonly effective?: boolean } = {},
): CgroupHook[] {
  using folder = openReadOnly(path);
  const hooks: CgroupHook[] = [];
  for (const attachType of attachTypes) {
    const found = query(folder.number, attachType, options.effective === true);
    if (found !== undefined && found.programIds.length > 0) hooks.push(found);
  }
  return hooks;
}

const ROOM = 1024;

function query(fd: number, attachType: AttachType, effective: boolean): CgroupHook | undefined {
  const ids = new NativeBuffer(ROOM * 4);
  const call = new BpfCall("BPF_PROG_QUERY", {
    target_fd: fd,
    attach_type: attachTypeId(attachType),
    query_flags: effective ? QUERY_EFFECTIVE : 0,
    prog_ids: ids.address,
    prog_cnt: ROOM,
  });
  const result = call.try();
  if (result === -errnos.EINVAL) return undefined;
  if (result < 0) throw syscallError(`BPF_PROG_QUERY of ${attachType}`, -result);
  return {
    attachType,
    programIds: Array.from({ length: call.get("prog_cnt") }, (_, i) => ids.view.getUint32(i * 4, true)),
    flags: effective ? undefined : call.get("attach_flags"),
  };
}
