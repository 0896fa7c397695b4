import { mkdirSync, statfsSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import type { MapSpec } from "@tsbpf/core/spec";
import { BpfCall, errnos, syscallError } from "../sys/index.js";

const BPF_FS_MAGIC = 0xcafe4a11;

/** Where libbpf and iproute2 pin a map of this object; undefined for maps that are not pinned. */
export function pinPath(map: MapSpec, key: string, objectName: string, root: string): string | undefined {
  switch (map.pinning) {
    case "by_name":
      return `${root}/${key}`;
    case "global":
      return `${root}/tc/globals/${key}`;
    case "object":
      return `${root}/tc/${objectName || "object"}/${key}`;
    case "none":
      return undefined;
  }
}

/** BPF_OBJ_GET: a new fd of what is pinned, or undefined where nothing is. @throws SyscallError */
export function openPin(path: string): number | undefined {
  const result = new BpfCall("BPF_OBJ_GET", { pathname: path }).try();
  if (result === -errnos.ENOENT) return undefined;
  if (result < 0) throw syscallError(`BPF_OBJ_GET of ${path}`, -result, pinHint(path, -result));
  return result;
}

/**
 * BPF_OBJ_PIN, with the folders that are missing.
 *
 * @throws SyscallError EEXIST where something is pinned there, EPERM outside of a bpffs.
 */
export function pinAt(path: string, fd: number): void {
  const result = createPin(path, fd);
  if (result < 0) throw syscallError(`BPF_OBJ_PIN at ${path}`, -result, pinHint(path, -result));
}

/** BPF_OBJ_PIN of `what`, in a folder that is there. @throws SyscallError EEXIST, EPERM outside of a bpffs */
export function pinNamed(path: string, fd: number, what: string): void {
  const result = new BpfCall("BPF_OBJ_PIN", { pathname: path, bpf_fd: fd }).try();
  if (result < 0) throw syscallError(`BPF_OBJ_PIN of ${what} at ${path}`, -result, pinHint(path, -result));
}

/** As {@link pinAt}: 0, or the negative errno. */
export function createPin(path: string, fd: number): number {
  if (isBpffs(dirname(path)) !== false) mkdirSync(dirname(path), { recursive: true });
  return new BpfCall("BPF_OBJ_PIN", { pathname: path, bpf_fd: fd }).try();
}

/** Takes a pin away; the map, program or link lives on while others hold it. Nothing happens where there is no pin. */
export function unpin(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Is the folder, or the nearest one above it that exists, in a bpffs? Undefined where that cannot be told. */
function isBpffs(folder: string): boolean | undefined {
  for (let path = folder; ; path = dirname(path)) {
    try {
      return statfsSync(path).type === BPF_FS_MAGIC;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return undefined;
      if (path === dirname(path)) return undefined;
    }
  }
}

/** What to do about a pin that could not be made or opened. */
export function pinHint(path: string, errno: number): { hint?: string } {
  if ((errno === errnos.EPERM || errno === errnos.ENOENT) && isBpffs(dirname(path)) === false) {
    return { hint: `${dirname(path)} is not in a bpffs; mount one: mount -t bpf bpffs /sys/fs/bpf` };
  }
  return {};
}
