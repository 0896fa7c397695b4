import koffi, { type LibraryHandle } from "koffi";
import { syscallNumbers } from "./platform.js";

/**
 * C functions as JavaScript calls. Pointers are passed as numbers (user addresses have 47 bits, or 48 on arm64), because
 * making a BigInt or wrapping a buffer for every call costs more than the call itself.
 */
export interface Libc {
  /** bpf(2): command, address of the attr, its size. */
  bpf(command: number, attr: number, size: number): number;
  syscall(number: number, a: number, b: number, c: number, d: number, e: number): number;
  close(fd: number): number;
  open(path: string, flags: number, mode: number): number;
  read(fd: number, address: number, length: number): number;
  write(fd: number, address: number, length: number): number;
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  ioctl(fd: number, request: number, argument: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  send(fd: number, address: number, length: number, flags: number): number;
  recv(fd: number, address: number, length: number, flags: number): number;
  sendto(fd: number, data: number, length: number, flags: number, address: number, addressLength: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  eventfd(initial: number, flags: number): number;
  epollCreate(flags: number): number;
  epollCtl(epoll: number, operation: number, fd: number, event: number): number;
  epollWait(epoll: number, events: number, count: number, milliseconds: number): number;
  poll(fds: number, count: number, milliseconds: number): number;
  unshare(flags: number): number;
  setns(fd: number, kind: number): number;
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): number;
  umount(target: string, flags: number): number;
  sysconf(name: number): number;
  getpid(): number;
  /** pthread_sigmask(3): the addresses of two sets of signals. */
  sigmask(how: number, set: number, old: number): number;
  /** Index of a network device in the calling thread's network namespace; 0 where there is none. */
  ifNameToIndex(name: string): number;
  /** The reverse, into 16 bytes at `address`; 0 where there is none. */
  ifIndexToName(index: number, address: number): number;
}

function loadLibc(): Libc {
  const numbers = syscallNumbers();
  const library = koffi.load(null);
  const syscall = library.func("long syscall(long, long, long, long, long, long)");
  const ifIndexToName = library.func("if_indextoname", "intptr_t", ["uint", "uintptr_t"]);
  const mmap = library.func("intptr_t mmap(uintptr_t, size_t, int, int, int, long)");
  return {
    bpf: bindBpf(library, numbers.bpf),
    syscall,
    close: library.func("int close(int)"),
    open: library.func("int open(const char *, int, uint)"),
    read: library.func("long read(int, uintptr_t, size_t)"),
    write: library.func("long write(int, uintptr_t, size_t)"),
    mmap: (address, length, protection, flags, fd, offset) =>
      Number(mmap(address, length, protection, flags, fd, offset)),
    munmap: library.func("int munmap(uintptr_t, size_t)"),
    ioctl: library.func("int ioctl(int, ulong, uintptr_t)"),
    fcntl: library.func("int fcntl(int, int, long)"),
    socket: library.func("int socket(int, int, int)"),
    bind: library.func("int bind(int, uintptr_t, uint)"),
    send: library.func("long send(int, uintptr_t, size_t, int)"),
    recv: library.func("long recv(int, uintptr_t, size_t, int)"),
    sendto: library.func("long sendto(int, uintptr_t, size_t, int, uintptr_t, uint)"),
    setsockopt: library.func("int setsockopt(int, int, int, uintptr_t, uint)"),
    getsockopt: library.func("int getsockopt(int, int, int, uintptr_t, uintptr_t)"),
    eventfd: library.func("int eventfd(uint, int)"),
    epollCreate: library.func("epoll_create1", "int", ["int"]),
    epollCtl: library.func("epoll_ctl", "int", ["int", "int", "int", "uintptr_t"]),
    epollWait: library.func("epoll_wait", "int", ["int", "uintptr_t", "int", "int"]),
    poll: library.func("int poll(uintptr_t, ulong, int)"),
    unshare: library.func("int unshare(int)"),
    setns: library.func("int setns(int, int)"),
    mount: library.func("int mount(const char *, const char *, const char *, ulong, const char *)"),
    umount: library.func("umount2", "int", ["const char *", "int"]),
    sysconf: library.func("long sysconf(int)"),
    getpid: library.func("int getpid()"),
    sigmask: library.func("pthread_sigmask", "int", ["int", "uintptr_t", "uintptr_t"]),
    ifNameToIndex: library.func("if_nametoindex", "uint", ["const char *"]),
    ifIndexToName: (index, address) => Number(ifIndexToName(index, address)),
  };
}

/** syscall(2) with the number of bpf(2); int rather than long, because it is the cheaper result and no bpf(2) needs more. */
function bindBpf(library: LibraryHandle, number: number): Libc["bpf"] {
  const syscall = library.func("int syscall(int, int, uintptr_t, uint)");
  return (command, attr, size) => syscall(number, command, attr, size);
}

let loaded: Libc | undefined;

/**
 * The C library of this process; bound on first use, so that importing the package is possible anywhere.
 *
 * @throws NotSupportedError where this is not Linux on x86-64 or arm64.
 */
export function libc(): Libc {
  loaded ??= loadLibc();
  return loaded;
}

/** errno of this thread's last failed call. Calls that succeed leave it as it was. */
export function lastErrno(): number {
  return koffi.errno();
}
