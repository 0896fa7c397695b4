import { FileDescriptor, lastErrno, libc, syscallError } from "../sys/index.js";

const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

/** Runs `work` with an fd of a directory (a cgroup). @throws SyscallError ENOENT, ENOTDIR ... */
export function withDirectory<T>(path: string, work: (fd: number) => T): T {
  const fd = libc().open(path, O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) throw syscallError(`open of ${path}`, lastErrno());
  using directory = new FileDescriptor(fd, path);
  return work(directory.number);
}
