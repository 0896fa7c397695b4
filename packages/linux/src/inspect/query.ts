import { type AttachType, attachTypeId } from "@tsbpf/core/abi";
import { deviceIndex } from "../attach/device.js";
import { withDirectory } from "../attach/directory.js";
import { BpfCall, errnos, NativeBuffer, syscallError } from "../sys/index.js";

/** Programs at one hook, in the order in which they run. */
export interface HookQuery {
  readonly programIds: readonly number[];
  /** Links that hold them, 0 for those without; empty where the kernel does not tell (only tcx and netkit do). */
  readonly linkIds: readonly number[];
  /** Counts changes, for tcx and netkit (and cgroups since 6.16); 0 elsewhere. */
  readonly revision: bigint;
}

function query(
  target: { target_fd: number } | { target_ifindex: number },
  attachType: AttachType,
  flags: number,
): HookQuery {
  const fields = { ...target, attach_type: attachTypeId(attachType), query_flags: flags };
  for (let room = 16; ; room *= 4) {
    const programs = new NativeBuffer(room * 4);
    const links = new NativeBuffer(room * 4);
    // Only mprog hooks (tcx, netkit) take the array of links.
    const withLinks = "target_ifindex" in target ? { link_ids: links.address } : {};
    const call = new BpfCall("BPF_PROG_QUERY", { ...fields, prog_ids: programs.address, count: room, ...withLinks });
    const result = call.try();
    if (result === -errnos.ENOSPC && room < 1 << 16) continue;
    if (result < 0) throw syscallError(`BPF_PROG_QUERY of ${attachType}`, -result);
    const count = call.get("count");
    const ids = (buffer: NativeBuffer) => Array.from({ length: count }, (_, i) => buffer.view.getUint32(i * 4, true));
    return {
      programIds: ids(programs),
      linkIds: "link_ids" in withLinks ? ids(links) : [],
      revision: call.get64("revision"),
    };
  }
}

/**
 * Programs attached to a cgroup v2.
 *
 * @param options.effective Those of its ancestors included.
 */
export function queryCgroup(
  path: string,
  attachType: AttachType,
  options: { readonly effective?: boolean } = {},
): HookQuery {
  return withDirectory(path, (fd) => query({ target_fd: fd }, attachType, options.effective ? 1 : 0));
}

/** tcx programs of a device, in the calling thread's network namespace. Since 6.6. */
export function queryTcx(device: string | number, direction: "ingress" | "egress"): HookQuery {
  return query({ target_ifindex: deviceIndex(device) }, direction === "ingress" ? "tcx_ingress" : "tcx_egress", 0);
}
