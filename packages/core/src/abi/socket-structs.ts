import type { ContextField, ContextLayout } from "./context-layout.js";
import { cgroupSockContext } from "./socket-contexts.js";

/** Fields of `struct bpf_sock` behind a socket pointer: those of the context, for reading, whatever the attachment. */
const sockFields: readonly ContextField[] = cgroupSockContext.fields.map(({ name, offset, size, count, read }) => ({
  name,
  offset,
  size,
  ...(count === undefined ? {} : { count }),
  ...(read === undefined ? {} : { read }),
}));

/** What a program finds behind a pointer to a full socket (`PTR_TO_SOCKET`). */
export const sockStruct: ContextLayout = { struct: "bpf_sock", size: 80, fields: sockFields };

const fullSocketOnly = ["type", "protocol", "mark", "priority"];

/** What a program finds behind a pointer that may be a request or time-wait socket (`PTR_TO_SOCK_COMMON`). */
export const sockCommonStruct: ContextLayout = {
  struct: "bpf_sock",
  size: 80,
  fields: sockFields.filter((field) => !fullSocketOnly.includes(field.name)),
};

/** `struct bpf_tcp_sock`. */
export const tcpSockStruct: ContextLayout = {
  struct: "bpf_tcp_sock",
  size: 112,
  fields: [
    // Twenty 32-bit counters, from snd_cwnd to sacked_out, then the two byte counters.
    { name: "snd_cwnd", offset: 0, size: 4, count: 20, read: "exact" },
    { name: "bytes_received", offset: 80, size: 8, read: "exact" },
    { name: "bytes_acked", offset: 88, size: 8, read: "exact" },
    { name: "dsack_dups", offset: 96, size: 4, count: 4, read: "exact" },
  ],
};

/** `struct bpf_xdp_sock`. */
export const xdpSockStruct: ContextLayout = {
  struct: "bpf_xdp_sock",
  size: 4,
  fields: [{ name: "queue_id", offset: 0, size: 4, read: "exact" }],
};

/** Bytes of `struct bpf_flow_keys`. */
export const FLOW_KEYS_SIZE = 56;
