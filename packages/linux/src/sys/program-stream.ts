import { BpfCall } from "./bpf.js";
import { errnos, syscallError } from "./errno.js";
import { NativeBuffer } from "./memory.js";

const streams = { stdout: 1, stderr: 2 } as const;

/** `"stdout"` is the program's own; into `"stderr"` the kernel writes too, what it stopped the program for. */
export type ProgramStream = keyof typeof streams;

const CHUNK = 1 << 16;

/**
 * Takes what is in a stream of a loaded program (BPF_PROG_STREAM_READ_BY_FD, since 6.17); programs write with
 * bpf_stream_printk().
 *
 * @param what The program, for an error's message.
 * @throws SyscallError EINVAL before 6.17
 */
export function readProgramStream(fd: number, stream: ProgramStream, what: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  const buffer = new NativeBuffer(CHUNK);
  for (;;) {
    const length = new BpfCall("BPF_PROG_STREAM_READ_BY_FD", {
      prog_fd: fd,
      stream_id: streams[stream],
      stream_buf: buffer.address,
      stream_buf_len: buffer.length,
    }).try();
    if (length < 0) {
      const hint = length === -errnos.EINVAL ? { hint: "streams of programs came with 6.17" } : {};
      throw syscallError(`BPF_PROG_STREAM_READ_BY_FD of ${what}`, -length, hint);
    }
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(buffer.bytes.slice(0, length));
  }
}
