// generate: legacy-maps.clang-14.o clang-14 -g0
// generate: legacy-maps.clang-22.o clang-22
/* Maps as libbpf before 1.0 had them. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static int (*redirect)(void *map, __u32 key, __u64 flags) = (void *)BPF_FUNC_redirect_map;

struct bpf_map_def SEC("maps") counters = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 256,
	.map_flags = BPF_F_NO_PREALLOC,
};

struct bpf_map_def SEC("maps") ports = {
	.type = BPF_MAP_TYPE_DEVMAP,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 64,
};

char _license[] SEC("license") = "Dual MIT/GPL";
unsigned int _version SEC("version") = 0x041300;

static __attribute__((noinline)) int port(struct xdp_md *ctx)
{
	return redirect(&ports, ctx->ingress_ifindex, 0);
}

SEC("xdp_redirect")
int count(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *counter = lookup(&counters, &key);

	if (counter)
		(*counter)++;
	return port(ctx);
}

SEC("kprobe/sys_write")
int on_write(void *ctx)
{
	return 0;
}
