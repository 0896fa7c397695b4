import { BpfCall, bpf } from "./bpf.js";
import { errnos } from "./errno.js";
import { NativeBuffer, textOf } from "./memory.js";
import { tokenInUse } from "./token.js";

const MAX_LOG_SIZE = 1 << 26;

/**
 * BPF_BTF_LOAD.
 *
 * @param bytes Raw BTF: header, types, strings.
 * @returns `result`, the BTF object's fd or the negative errno, and the checker's log when it failed.
 */
export function loadBtf(bytes: Uint8Array): { result: number; log: string } {
  const token = tokenInUse();
  const call = new BpfCall("BPF_BTF_LOAD", {
    btf: bytes,
    btf_size: bytes.length,
    btf_token_fd: token.fd,
    btf_flags: token.flag,
  });
  const first = call.try();
  if (first >= 0) return { result: first, log: "" };
  for (let size = 1 << 16; ; size *= 4) {
    const buffer = new NativeBuffer(size);
    call.set("btf_log_level", 1).set("btf_log_buf", buffer.address).set("btf_log_size", size);
    const result = call.try();
    if (result === -errnos.ENOSPC && size < MAX_LOG_SIZE) continue;
    return { result, log: textOf(buffer.bytes) };
  }
}

/** fd of a BTF object by its id. @throws SyscallError ENOENT when there is none. */
export function btfFdById(id: number): number {
  return bpf("BPF_BTF_GET_FD_BY_ID", { btf_id: id }, `${id}`);
}
