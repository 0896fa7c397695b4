/** Place of a field in `union bpf_attr`: its first byte and how many it has (a name is 16 bytes of text, NUL included). */
export interface AttrField {
  readonly offset: number;
  readonly size: 4 | 8 | 16;
}

const u32 = (offset: number): AttrField & { size: 4 } => ({ offset, size: 4 });
/** Also pointers and addresses. */
const u64 = (offset: number): AttrField & { size: 8 } => ({ offset, size: 8 });
const name = (offset: number): AttrField & { size: 16 } => ({ offset, size: 16 });

/**
 * The parts of `union bpf_attr`, with the kernel's field names; members of the nested unions of LINK_CREATE carry their
 * union member's name. A test holds them against the BTF of the running kernel.
 *
 * @see https://docs.kernel.org/userspace-api/ebpf/syscall.html
 */
const mapCreate = {
  map_type: u32(0),
  key_size: u32(4),
  value_size: u32(8),
  max_entries: u32(12),
  map_flags: u32(16),
  inner_map_fd: u32(20),
  numa_node: u32(24),
  map_name: name(28),
  map_ifindex: u32(44),
  btf_fd: u32(48),
  btf_key_type_id: u32(52),
  btf_value_type_id: u32(56),
  btf_vmlinux_value_type_id: u32(60),
  map_extra: u64(64),
  value_type_btf_obj_fd: u32(72),
  map_token_fd: u32(76),
  excl_prog_hash: u64(80),
  excl_prog_hash_size: u32(88),
} as const;

const mapElement = {
  map_fd: u32(0),
  key: u64(8),
  value: u64(16),
  next_key: u64(16),
  flags: u64(24),
} as const;

const mapBatch = {
  in_batch: u64(0),
  out_batch: u64(8),
  keys: u64(16),
  values: u64(24),
  count: u32(32),
  map_fd: u32(36),
  elem_flags: u64(40),
  flags: u64(48),
} as const;

const programLoad = {
  prog_type: u32(0),
  insn_cnt: u32(4),
  insns: u64(8),
  license: u64(16),
  log_level: u32(24),
  log_size: u32(28),
  log_buf: u64(32),
  kern_version: u32(40),
  prog_flags: u32(44),
  prog_name: name(48),
  prog_ifindex: u32(64),
  expected_attach_type: u32(68),
  prog_btf_fd: u32(72),
  func_info_rec_size: u32(76),
  func_info: u64(80),
  func_info_cnt: u32(88),
  line_info_rec_size: u32(92),
  line_info: u64(96),
  line_info_cnt: u32(104),
  attach_btf_id: u32(108),
  attach_prog_fd: u32(112),
  attach_btf_obj_fd: u32(112),
  core_relo_cnt: u32(116),
  fd_array: u64(120),
  core_relos: u64(128),
  core_relo_rec_size: u32(136),
  log_true_size: u32(140),
  prog_token_fd: u32(144),
  fd_array_cnt: u32(148),
  signature: u64(152),
  signature_size: u32(160),
  keyring_id: u32(164),
} as const;

const pin = {
  pathname: u64(0),
  bpf_fd: u32(8),
  file_flags: u32(12),
  path_fd: u32(16),
} as const;

const programAttach = {
  target_fd: u32(0),
  target_ifindex: u32(0),
  attach_bpf_fd: u32(4),
  attach_type: u32(8),
  attach_flags: u32(12),
  replace_bpf_fd: u32(16),
  relative_fd: u32(20),
  relative_id: u32(20),
  expected_revision: u64(24),
} as const;

const testRun = {
  prog_fd: u32(0),
  retval: u32(4),
  data_size_in: u32(8),
  data_size_out: u32(12),
  data_in: u64(16),
  data_out: u64(24),
  repeat: u32(32),
  duration: u32(36),
  ctx_size_in: u32(40),
  ctx_size_out: u32(44),
  ctx_in: u64(48),
  ctx_out: u64(56),
  flags: u32(64),
  cpu: u32(68),
  batch_size: u32(72),
} as const;

const objectId = {
  start_id: u32(0),
  prog_id: u32(0),
  map_id: u32(0),
  btf_id: u32(0),
  link_id: u32(0),
  next_id: u32(4),
  open_flags: u32(8),
  fd_by_id_token_fd: u32(12),
} as const;

const objectInfo = {
  bpf_fd: u32(0),
  info_len: u32(4),
  info: u64(8),
} as const;

const programQuery = {
  target_fd: u32(0),
  target_ifindex: u32(0),
  attach_type: u32(4),
  query_flags: u32(8),
  attach_flags: u32(12),
  prog_ids: u64(16),
  prog_cnt: u32(24),
  count: u32(24),
  prog_attach_flags: u64(32),
  link_ids: u64(40),
  link_attach_flags: u64(48),
  revision: u64(56),
} as const;

const rawTracepoint = {
  name: u64(0),
  prog_fd: u32(8),
  cookie: u64(16),
} as const;

const btfLoad = {
  btf: u64(0),
  btf_log_buf: u64(8),
  btf_size: u32(16),
  btf_log_size: u32(20),
  btf_log_level: u32(24),
  btf_log_true_size: u32(28),
  btf_flags: u32(32),
  btf_token_fd: u32(36),
} as const;

const taskFdQuery = {
  pid: u32(0),
  fd: u32(4),
  flags: u32(8),
  buf_len: u32(12),
  buf: u64(16),
  prog_id: u32(24),
  fd_type: u32(28),
  probe_offset: u64(32),
  probe_addr: u64(40),
} as const;

const linkCreate = {
  prog_fd: u32(0),
  map_fd: u32(0),
  target_fd: u32(4),
  target_ifindex: u32(4),
  attach_type: u32(8),
  flags: u32(12),
  target_btf_id: u32(16),
  iter_info: u64(16),
  iter_info_len: u32(24),
  "perf_event.bpf_cookie": u64(16),
  "kprobe_multi.flags": u32(16),
  "kprobe_multi.cnt": u32(20),
  "kprobe_multi.syms": u64(24),
  "kprobe_multi.addrs": u64(32),
  "kprobe_multi.cookies": u64(40),
  "tracing.target_btf_id": u32(16),
  "tracing.cookie": u64(24),
  "netfilter.pf": u32(16),
  "netfilter.hooknum": u32(20),
  "netfilter.priority": u32(24),
  "netfilter.flags": u32(28),
  "tcx.relative_fd": u32(16),
  "tcx.relative_id": u32(16),
  "tcx.expected_revision": u64(24),
  "uprobe_multi.path": u64(16),
  "uprobe_multi.offsets": u64(24),
  "uprobe_multi.ref_ctr_offsets": u64(32),
  "uprobe_multi.cookies": u64(40),
  "uprobe_multi.cnt": u32(48),
  "uprobe_multi.flags": u32(52),
  "uprobe_multi.pid": u32(56),
  "netkit.relative_fd": u32(16),
  "netkit.relative_id": u32(16),
  "netkit.expected_revision": u64(24),
  "cgroup.relative_fd": u32(16),
  "cgroup.relative_id": u32(16),
  "cgroup.expected_revision": u64(24),
} as const;

const linkUpdate = {
  link_fd: u32(0),
  new_prog_fd: u32(4),
  new_map_fd: u32(4),
  flags: u32(8),
  old_prog_fd: u32(12),
  old_map_fd: u32(12),
} as const;

const enableStats = {
  type: u32(0),
} as const;

const iteratorCreate = {
  link_fd: u32(0),
  flags: u32(4),
} as const;

const programBindMap = {
  prog_fd: u32(0),
  map_fd: u32(4),
  flags: u32(8),
} as const;

const tokenCreate = {
  flags: u32(0),
  bpffs_fd: u32(4),
} as const;

const programStreamRead = {
  stream_buf: u64(0),
  stream_buf_len: u32(8),
  stream_id: u32(12),
  prog_fd: u32(16),
} as const;

/** Commands of bpf(2): number and the part of `union bpf_attr` that each takes. */
export const bpfCommands = {
  BPF_MAP_CREATE: { number: 0, attr: mapCreate },
  BPF_MAP_LOOKUP_ELEM: { number: 1, attr: mapElement },
  BPF_MAP_UPDATE_ELEM: { number: 2, attr: mapElement },
  BPF_MAP_DELETE_ELEM: { number: 3, attr: mapElement },
  BPF_MAP_GET_NEXT_KEY: { number: 4, attr: mapElement },
  BPF_PROG_LOAD: { number: 5, attr: programLoad },
  BPF_OBJ_PIN: { number: 6, attr: pin },
  BPF_OBJ_GET: { number: 7, attr: pin },
  BPF_PROG_ATTACH: { number: 8, attr: programAttach },
  BPF_PROG_DETACH: { number: 9, attr: programAttach },
  BPF_PROG_TEST_RUN: { number: 10, attr: testRun },
  BPF_PROG_GET_NEXT_ID: { number: 11, attr: objectId },
  BPF_MAP_GET_NEXT_ID: { number: 12, attr: objectId },
  BPF_PROG_GET_FD_BY_ID: { number: 13, attr: objectId },
  BPF_MAP_GET_FD_BY_ID: { number: 14, attr: objectId },
  BPF_OBJ_GET_INFO_BY_FD: { number: 15, attr: objectInfo },
  BPF_PROG_QUERY: { number: 16, attr: programQuery },
  BPF_RAW_TRACEPOINT_OPEN: { number: 17, attr: rawTracepoint },
  BPF_BTF_LOAD: { number: 18, attr: btfLoad },
  BPF_BTF_GET_FD_BY_ID: { number: 19, attr: objectId },
  BPF_TASK_FD_QUERY: { number: 20, attr: taskFdQuery },
  BPF_MAP_LOOKUP_AND_DELETE_ELEM: { number: 21, attr: mapElement },
  BPF_MAP_FREEZE: { number: 22, attr: mapElement },
  BPF_BTF_GET_NEXT_ID: { number: 23, attr: objectId },
  BPF_MAP_LOOKUP_BATCH: { number: 24, attr: mapBatch },
  BPF_MAP_LOOKUP_AND_DELETE_BATCH: { number: 25, attr: mapBatch },
  BPF_MAP_UPDATE_BATCH: { number: 26, attr: mapBatch },
  BPF_MAP_DELETE_BATCH: { number: 27, attr: mapBatch },
  BPF_LINK_CREATE: { number: 28, attr: linkCreate },
  BPF_LINK_UPDATE: { number: 29, attr: linkUpdate },
  BPF_LINK_GET_FD_BY_ID: { number: 30, attr: objectId },
  BPF_LINK_GET_NEXT_ID: { number: 31, attr: objectId },
  BPF_ENABLE_STATS: { number: 32, attr: enableStats },
  BPF_ITER_CREATE: { number: 33, attr: iteratorCreate },
  BPF_LINK_DETACH: { number: 34, attr: linkUpdate },
  BPF_PROG_BIND_MAP: { number: 35, attr: programBindMap },
  BPF_TOKEN_CREATE: { number: 36, attr: tokenCreate },
  BPF_PROG_STREAM_READ_BY_FD: { number: 37, attr: programStreamRead },
} as const;

/** A command of bpf(2), by its name. */
export type BpfCommand = keyof typeof bpfCommands;

/** Field names of a command's attr. */
export type AttrFieldName<C extends BpfCommand> = keyof (typeof bpfCommands)[C]["attr"] & string;
