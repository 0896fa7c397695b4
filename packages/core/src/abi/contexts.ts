import type { ContextLayout } from "./context-layout.js";

// biome-ignore format: one row a field
export const xdpContext: ContextLayout = {
  struct: "xdp_md",
  size: 24,
  fields: [
    { name: "data", offset: 0, size: 4, read: "exact", pointer: "packet" },
    { name: "data_end", offset: 4, size: 4, read: "exact", pointer: "packet_end" },
    { name: "data_meta", offset: 8, size: 4, read: "exact", pointer: "packet_meta" },
    { name: "ingress_ifindex", offset: 12, size: 4, read: "exact" },
    { name: "rx_queue_index", offset: 16, size: 4, read: "exact" },
    { name: "egress_ifindex", offset: 20, size: 4, read: "exact", attachTypes: ["xdp_devmap"] },
  ],
};

export const cgroupDeviceContext: ContextLayout = {
  struct: "bpf_cgroup_dev_ctx",
  size: 12,
  fields: [
    { name: "access_type", offset: 0, size: 4, read: "narrow" },
    { name: "major", offset: 4, size: 4, read: "exact" },
    { name: "minor", offset: 8, size: 4, read: "exact" },
  ],
};

export const cgroupSysctlContext: ContextLayout = {
  struct: "bpf_sysctl",
  size: 8,
  fields: [
    { name: "write", offset: 0, size: 4, read: "narrow" },
    { name: "file_pos", offset: 4, size: 4, read: "narrow", write: "exact" },
  ],
};

/** x86-64's `struct pt_regs`: 21 registers. */
export const kprobeContext: ContextLayout = {
  struct: "pt_regs",
  size: 168,
  fields: [{ name: "regs", offset: 0, size: 8, count: 21, read: "within" }],
};

/** `struct bpf_perf_event_data` with x86-64's registers. */
export const perfEventContext: ContextLayout = {
  struct: "bpf_perf_event_data",
  size: 184,
  fields: [
    { name: "regs", offset: 0, size: 8, count: 21, read: "exact" },
    { name: "sample_period", offset: 168, size: 8, read: "narrow" },
    { name: "addr", offset: 176, size: 8, read: "narrow" },
  ],
};

const TRACE_RECORD_SIZE = 8192;

/** A trace record behind 8 bytes that are the kernel's own; its fields are those of the tracepoint's `format` file. */
export const tracepointContext: ContextLayout = {
  struct: "trace_entry",
  size: TRACE_RECORD_SIZE,
  fields: [{ name: "record", offset: 8, size: 8, count: TRACE_RECORD_SIZE / 8 - 1, read: "within" }],
};

const TRACEPOINT_ARGUMENTS = 12;

export const rawTracepointContext: ContextLayout = {
  struct: "bpf_raw_tracepoint_args",
  size: TRACEPOINT_ARGUMENTS * 8,
  fields: [{ name: "args", offset: 0, size: 8, count: TRACEPOINT_ARGUMENTS, read: "within" }],
};

/** The first argument is a buffer of the tracepoint's that the program may write. */
export const rawTracepointWritableContext: ContextLayout = {
  struct: "bpf_raw_tracepoint_args",
  size: TRACEPOINT_ARGUMENTS * 8,
  fields: [
    { name: "args[0]", offset: 0, size: 8, read: "exact", pointer: "tp_buffer" },
    { name: "args", offset: 1, size: 1, count: TRACEPOINT_ARGUMENTS * 8 - 1, read: "within" },
  ],
};

export const netfilterContext: ContextLayout = {
  struct: "bpf_nf_ctx",
  size: 16,
  fields: [
    { name: "state", offset: 0, size: 8, read: "exact", pointer: "btf_trusted", struct: "nf_hook_state" },
    { name: "skb", offset: 8, size: 8, read: "exact", pointer: "btf_trusted", struct: "sk_buff" },
  ],
};

/** `unsigned int *`: one sample of an infrared receiver. */
export const lircContext: ContextLayout = {
  struct: "u32",
  size: 4,
  fields: [{ name: "sample", offset: 0, size: 4, read: "exact" }],
};
