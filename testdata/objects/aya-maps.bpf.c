// generate: aya-maps.clang-22.o clang-22 -mcpu=v2
/* Maps as Rust's aya defines them in its section `maps`: seven words, pinned by name or not at all. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags, id, pinning;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;

struct bpf_map_def SEC("maps") PACKETS = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 256,
};

struct bpf_map_def SEC("maps") BLOCKED = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 1024,
	.pinning = 1,
};

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *packets = lookup(&PACKETS, &key);

	if (packets)
		(*packets)++;
	return lookup(&BLOCKED, &key) ? XDP_DROP : XDP_PASS;
}
