import { type AttachType, attachTypeName } from "@tsbpf/core/abi";
import { objectInfo } from "../sys/index.js";
import { LINK_INFO_SIZE } from "../sys/object-info.js";

/** Kinds of bpf_link by their number. */
export const linkTypes = [
  "unspec",
  "raw_tracepoint",
  "tracing",
  "cgroup",
  "iter",
  "netns",
  "xdp",
  "perf_event",
  "kprobe_multi",
  "struct_ops",
  "netfilter",
  "tcx",
  "uprobe_multi",
  "netkit",
  "sockmap",
] as const;

/** A type of link (`enum bpf_link_type`). */
export type LinkType = (typeof linkTypes)[number];

/** What the kernel says about a link; fields that its kind does not have are undefined. */
export interface LinkInfo {
  readonly id: number;
  /** A kind that this does not know is a number. */
  readonly type: LinkType | number;
  /** 0 for struct_ops. */
  readonly programId: number;
  /** Device of an XDP or tcx link. */
  readonly interfaceIndex?: number | undefined;
  readonly attachType?: AttachType | undefined;
  readonly cgroupId?: bigint | undefined;
  readonly networkNamespaceInode?: number | undefined;
  readonly mapId?: number | undefined;
  /** BTF type that a tracing link sits on, and the object it is in. */
  readonly targetTypeId?: number | undefined;
  readonly targetObjectId?: number | undefined;
  readonly netfilter?: { readonly family: number; readonly hook: number; readonly priority: number } | undefined;
}

type Details = Partial<Omit<LinkInfo, "id" | "type" | "programId">>;

const u32 = (view: DataView, offset: number) => view.getUint32(offset, true);
const attach = (view: DataView, offset: number): Details => ({ attachType: attachTypeName(u32(view, offset)) });

const readers: Readonly<Partial<Record<LinkType, (view: DataView) => Details>>> = {
  tracing: (view) => ({ ...attach(view, 16), targetObjectId: u32(view, 20), targetTypeId: u32(view, 24) }),
  cgroup: (view) => ({ cgroupId: view.getBigUint64(16, true), ...attach(view, 24) }),
  netns: (view) => ({ networkNamespaceInode: u32(view, 16), ...attach(view, 20) }),
  xdp: (view) => ({ interfaceIndex: u32(view, 16) }),
  struct_ops: (view) => ({ mapId: u32(view, 16) }),
  netfilter: (view) => ({
    netfilter: { family: u32(view, 16), hook: u32(view, 20), priority: view.getInt32(24, true) },
  }),
  tcx: (view) => ({ interfaceIndex: u32(view, 16), ...attach(view, 20) }),
  netkit: (view) => ({ interfaceIndex: u32(view, 16), ...attach(view, 20) }),
  sockmap: (view) => ({ mapId: u32(view, 16), ...attach(view, 20) }),
};

/** @throws SyscallError EBADF or EINVAL when `fd` is no link. */
export function linkInfo(fd: number): LinkInfo {
  const { view } = objectInfo(fd, LINK_INFO_SIZE);
  const number = u32(view, 0);
  const type = linkTypes[number];
  const details = type === undefined ? {} : (readers[type]?.(view) ?? {});
  return { id: u32(view, 4), type: type ?? number, programId: u32(view, 8), ...details };
}
