import { lastErrno, libc, syscallError } from "../sys/index.js";

const CLONE_NEWNS = 0x2_0000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x4_0000;

/**
 * Gives the calling thread mounts of its own, for good, and mounts a file system there: only synchronous work of this
 * thread sees it, and it goes with the thread.
 */
export function mountPrivately(type: "tracefs" | "bpf", folder: string): void {
  const check = (what: string, result: number) => {
    if (result < 0) throw syscallError(what, lastErrno());
  };
  check("unshare of mounts", libc().unshare(CLONE_NEWNS));
  check("mount", libc().mount(null, "/", null, MS_REC | MS_PRIVATE, null));
  check("mount", libc().mount(type, folder, type, 0, null));
}
