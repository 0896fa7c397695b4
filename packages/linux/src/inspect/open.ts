import { readlinkSync } from "node:fs";
import { BpfError } from "@tsbpf/core/base";
import { BpfCall, btfFdById, errnos, FileDescriptor, syscallError } from "../sys/index.js";

/** What an fd of bpf(2) can be. */
export type ObjectKind = "program" | "map" | "link" | "btf";

const byId = {
  program: { command: "BPF_PROG_GET_FD_BY_ID", field: "prog_id" },
  map: { command: "BPF_MAP_GET_FD_BY_ID", field: "map_id" },
  link: { command: "BPF_LINK_GET_FD_BY_ID", field: "link_id" },
} as const;

/** A new fd of the program, map, link or BTF with this id. @throws SyscallError ENOENT, EPERM without CAP_SYS_ADMIN */
export function openById(kind: ObjectKind, id: number): FileDescriptor {
  if (kind === "btf") return new FileDescriptor(btfFdById(id), `BTF ${id}`);
  const { command, field } = byId[kind];
  const result = new BpfCall(command, { [field]: id }).try();
  if (result >= 0) return new FileDescriptor(result, `${kind} ${id}`);
  const hint = result === -errnos.ENOENT ? { hint: `there is no ${kind} with id ${id}` } : {};
  throw syscallError(`${command} of ${id}`, -result, hint);
}

/** As {@link openById}; undefined where it has gone since its id was read. */
export function tryOpenById(kind: ObjectKind, id: number): FileDescriptor | undefined {
  try {
    return openById(kind, id);
  } catch (error) {
    if ((error as { errno?: number }).errno === errnos.ENOENT) return undefined;
    throw error;
  }
}

/** The kind of object that a pin or an fd stands for; undefined where it is nothing of bpf(2)'s. */
export function kindOfFd(fd: number): ObjectKind | undefined {
  const target = readlinkSync(`/proc/thread-self/fd/${fd}`);
  return kinds[target.replace("anon_inode:", "").replace(/[[\]]/g, "")];
}

const kinds: Readonly<Record<string, ObjectKind>> = {
  "bpf-prog": "program",
  "bpf-map": "map",
  "bpf-link": "link",
  bpf_link: "link",
  btf: "btf",
};

/** Something pinned in a bpffs. */
export interface PinnedObject {
  readonly fd: FileDescriptor;
  readonly kind: ObjectKind;
}

/**
 * What is pinned at `path`.
 *
 * @param expected Refuse anything else.
 * @throws SyscallError ENOENT, EACCES for what is no pin; BpfError `"PIN_KIND"`
 */
export function openPinned(path: string, expected?: ObjectKind): PinnedObject {
  const result = new BpfCall("BPF_OBJ_GET", { pathname: path }).try();
  if (result < 0) {
    const hint = result === -errnos.ENOENT ? { hint: "nothing is pinned there" } : {};
    throw syscallError(`BPF_OBJ_GET of ${path}`, -result, hint);
  }
  const fd = new FileDescriptor(result, path);
  const kind = kindOfFd(result);
  if (kind !== undefined && (expected === undefined || kind === expected)) return { fd, kind };
  fd.close();
  throw new BpfError("PIN_KIND", `${path} is a pinned ${kind ?? "object of another kind"}, not a ${expected}`, {
    path,
  });
}
