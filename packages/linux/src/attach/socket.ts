import type { Program } from "@tsbpf/core/host";
import { fdOf, lastErrno, libc, NativeBuffer, setU64, syscallError } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { Attachment } from "./link.js";

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SO_ATTACH_BPF = 50;
const SO_ATTACH_REUSEPORT_EBPF = 52;
const SO_DETACH_REUSEPORT_BPF = 68;

function setOption(fd: number, option: number, name: string, value: NativeBuffer, size = value.length): void {
  if (libc().setsockopt(fd, SOL_SOCKET, option, value.address, size) < 0) {
    throw syscallError(`setsockopt of ${name}`, lastErrno());
  }
}

function integer(value: number): NativeBuffer {
  const buffer = new NativeBuffer(4);
  buffer.view.setInt32(0, value, true);
  return buffer;
}

/**
 * Filters what a socket receives (SO_ATTACH_BPF). The filter stays with the socket when this process ends, and goes with
 * it.
 *
 * @param socket The socket's fd; of a Node socket `socket._handle.fd`.
 */
export function attachSocketFilter(program: Program, socket: number): Attachment {
  requireType(program, "a socket", "socket_filter");
  const attach = (next: Program) => setOption(socket, SO_ATTACH_BPF, "SO_ATTACH_BPF", integer(fdOf(next)));
  attach(program);
  const detach = () => setOption(socket, SO_DETACH_FILTER, "SO_DETACH_FILTER", integer(0));
  return new Attachment("socket", program, { replace: attach, detach }, { outlives: false });
}

/**
 * Filters what a socket receives by a classic BPF program (SO_ATTACH_FILTER), as `tcpdump -ddd` makes them: 8 bytes an
 * instruction (`struct sock_filter`), in this machine's byte order.
 *
 * @returns What takes the filter away again.
 */
export function attachClassicFilter(
  instructions: Uint8Array,
  socket: number,
): { close(): void; [Symbol.dispose](): void } {
  setOption(socket, SO_ATTACH_FILTER, "SO_ATTACH_FILTER", classicProgram(instructions), FPROG_SIZE);
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    setOption(socket, SO_DETACH_FILTER, "SO_DETACH_FILTER", integer(0));
  };
  return { close, [Symbol.dispose]: close };
}

const FPROG_SIZE = 16;

/** struct sock_fprog (count u16, pointer at 8) with the instructions behind it. */
function classicProgram(instructions: Uint8Array): NativeBuffer {
  const program = new NativeBuffer(FPROG_SIZE + instructions.length);
  program.bytes.set(instructions, FPROG_SIZE);
  program.view.setUint16(0, instructions.length / 8, true);
  setU64(program.view, 8, program.address + FPROG_SIZE);
  return program;
}

/**
 * Selects the socket of a SO_REUSEPORT group that a packet or connection goes to: `sk_reuseport` (since 4.19) or
 * `socket_filter` (since 4.5; it returns the socket's number).
 *
 * @param socket fd of any socket of the group, bound.
 */
export function attachReuseport(program: Program, socket: number): Attachment {
  requireType(program, "a reuseport group", "sk_reuseport", "socket_filter");
  const attach = (next: Program) =>
    setOption(socket, SO_ATTACH_REUSEPORT_EBPF, "SO_ATTACH_REUSEPORT_EBPF", integer(fdOf(next)));
  attach(program);
  const detach = () => setOption(socket, SO_DETACH_REUSEPORT_BPF, "SO_DETACH_REUSEPORT_BPF", integer(0));
  return new Attachment("reuseport", program, { replace: attach, detach }, { outlives: false });
}
