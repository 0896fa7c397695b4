import { syscallError } from "./errno.js";
import { FileDescriptor } from "./file-descriptor.js";
import { lastErrno, libc } from "./libc.js";

const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;

/** An fd of a file or folder, for system calls that take one. @throws SyscallError ENOENT, EACCES ... */
export function openReadOnly(path: string): FileDescriptor {
  const fd = libc().open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) throw syscallError(`open of ${path}`, lastErrno());
  return new FileDescriptor(fd, path);
}
