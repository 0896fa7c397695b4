import { syscallError } from "./errno.js";
import { lastErrno, libc } from "./libc.js";
import { viewOf } from "./memory.js";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_FIXED_NOREPLACE = 0x10_0000;

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
  return mapMemoryAt(0, fd, offset, length, writable, what).buffer;
}

/** As {@link mapMemory}, at an address: 0 lets the kernel choose. `token` takes the unmapping over. */
export function mapMemoryAt(
  wanted: number,
  fd: number,
  offset: number,
  length: number,
  writable: boolean,
  what: string,
  token?: object,
): { buffer: ArrayBuffer; address: number } {
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const flags = wanted === 0 ? MAP_SHARED : MAP_SHARED | MAP_FIXED_NOREPLACE;
  const address = libc().mmap(wanted, length, protection, flags, fd, offset);
  if (address === -1) throw syscallError(`mmap of ${what}`, lastErrno());
  const buffer = viewOf(address, length);
  unmapped.register(buffer, { address, length }, token);
  return { buffer, address };
}

/**
 * A mapping whose views stay with one owner, who can unmap it before they are garbage: what is mapped (a socket) would
 * live on otherwise. No view may be touched after {@link unmap}: that ends the process.
 */
export class OwnedMapping {
  readonly buffer: ArrayBuffer;
  readonly #address: number;
  #mapped = true;

  /** As {@link mapMemory}. */
  constructor(fd: number, offset: number, length: number, what: string) {
    const { buffer, address } = mapMemoryAt(0, fd, offset, length, true, what, this);
    this.buffer = buffer;
    this.#address = address;
  }

  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    unmapped.unregister(this);
    libc().munmap(this.#address, this.buffer.byteLength);
  }
}

/** Memory of this process alone, page-aligned and zero. It goes as {@link mapMemory}'s does. */
export function allocatePages(length: number): { buffer: ArrayBuffer; address: number } {
  const address = libc().mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address === -1) throw syscallError("mmap of memory", lastErrno());
  const buffer = viewOf(address, length);
  unmapped.register(buffer, { address, length });
  return { buffer, address };
}
