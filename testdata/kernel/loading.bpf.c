/* What a loader has to fill in: configuration, kernel symbols and functions, nested maps, tail calls, constants. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig;
extern bool CONFIG_BPF __kconfig;
extern bool CONFIG_TSBPF_HAS_NO_SUCH_OPTION __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;

extern const void bpf_prog_put __ksym;
extern const void tsbpf_no_such_symbol __ksym __weak;

struct task_struct;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void tsbpf_no_such_function(void) __ksym __weak;

const volatile __u32 constant = 1;
const volatile int pid = 1;
__u32 initialised = 42;
__u64 symbol;
__u64 missing_symbol = 1;
__u32 version;
__u64 hz;
bool has_bpf, has_none = true;
bool found_task, has_function = true;
char hostname[16];

SEC("syscall")
int externs(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);

	if (task) {
		found_task = true;
		bpf_task_release(task);
	}
	version = LINUX_KERNEL_VERSION;
	hz = CONFIG_HZ;
	has_bpf = CONFIG_BPF;
	has_none = CONFIG_TSBPF_HAS_NO_SUCH_OPTION;
	symbol = (__u64)&bpf_prog_put;
	missing_symbol = (__u64)&tsbpf_no_such_symbol;
	has_function = (void *)tsbpf_no_such_function != NULL;
	if (has_function)
		tsbpf_no_such_function();
	__builtin_memcpy(hostname, CONFIG_DEFAULT_HOSTNAME, sizeof(hostname));
	return constant + initialised;
}

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &first, [2] = &second } };

int tail_a(struct xdp_md *ctx);
int tail_b(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} tails SEC(".maps") = { .values = { [1] = (void *)&tail_a, [3] = (void *)&tail_b } };

__u32 which;

SEC("xdp")
int tail_a(struct xdp_md *ctx)
{
	return 101;
}

SEC("xdp")
int tail_b(struct xdp_md *ctx)
{
	return 103;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	__u32 index = which;
	void *inner = bpf_map_lookup_elem(&outer, &index);
	__u32 zero = 0, *value;

	if (inner) {
		value = bpf_map_lookup_elem(inner, &zero);
		if (value)
			*value = 7;
	}
	bpf_tail_call(ctx, &tails, which);
	return 100;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shared SEC(".maps");

SEC("xdp")
int count_shared(struct xdp_md *ctx)
{
	__u32 key = 5;
	__u64 *value = bpf_map_lookup_elem(&shared, &key), one = 1;

	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(&shared, &key, &one, BPF_ANY);
	return XDP_PASS;
}

/* Not loaded unless asked for: the verifier refuses it. */
SEC("?xdp")
int refused(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return *(__u8 *)data;
}
