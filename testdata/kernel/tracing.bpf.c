/* Programs for the kernel's tracing hooks. All of them look at one process only. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

const volatile __u32 target_pid;

__u64 runs;
__u64 last_cookie;
__u64 last_argument;

static __always_inline int is_target(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target_pid;
}

static __always_inline void count(void *ctx)
{
	if (!is_target())
		return;
	__sync_fetch_and_add(&runs, 1);
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int on_tracepoint(void *ctx)
{
	count(ctx);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("raw_tp/sys_enter")
int on_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == 110 /* getppid on x86-64 */ || ctx->args[1] == 173 /* on arm64 */)
		count(ctx);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_typed_tracepoint(__u64 *ctx)
{
	if (ctx[1] == 110 || ctx[1] == 173)
		count(ctx);
	return 0;
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	count(ctx);
	return 0;
}

SEC("uprobe")
int on_function(void *ctx)
{
	count(ctx);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("uprobe.multi")
int on_functions(void *ctx)
{
	count(ctx);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("kprobe/__x64_sys_getppid")
int on_kernel_function(void *ctx)
{
	count(ctx);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	__u32 *key;
	__u64 *value;
};

/* Writes each key and value. */
SEC("iter/bpf_map_elem")
int walk_map(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (!key || !value)
		return 0;
	bpf_seq_write(seq, key, sizeof(*key));
	bpf_seq_write(seq, value, sizeof(*value));
	return 0;
}
