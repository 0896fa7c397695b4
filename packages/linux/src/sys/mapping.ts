import { syscallError } from "./errno.js";
import { lastErrno, libc } from "./libc.js";
import { viewOf } from "./memory.js";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

export const PAGE_SIZE = 4096;

const unmapped = new FinalizationRegistry<{ readonly address: number; readonly length: number }>(
  ({ address, length }) => {
    libc().munmap(address, length);
  },
);

/**
 * Maps a file into memory (mmap(2), shared).
 *
 * The memory is unmapped when the returned buffer and every view of it are garbage, and not before: touching a view of
 * unmapped memory would end the process, and who has kept one cannot be known. A buffer that is not `writable` must not be
 * written: that ends the process too.
 *
 * @param offset Bytes; a multiple of the page size.
 * @throws SyscallError
 */
export function mapMemory(fd: number, offset: number, length: number, writable: boolean, what: string): ArrayBuffer {
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = libc().mmap(0, length, protection, MAP_SHARED, fd, offset);
  if (address === -1) throw syscallError(`mmap of ${what}`, lastErrno());
  const buffer = viewOf(address, length);
  unmapped.register(buffer, { address, length });
  return buffer;
}
