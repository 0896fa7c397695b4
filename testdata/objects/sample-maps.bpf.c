// generate: sample-maps.clang-19.o clang-19 -g0
/* Maps as the kernel's samples had them: the inner map by its position, a NUMA node. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags, inner_map_idx, numa_node;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;

struct bpf_map_def SEC("maps") inner = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 10,
	.map_flags = BPF_F_NUMA_NODE,
	.numa_node = 1,
};

struct bpf_map_def SEC("maps") outer = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 3,
	.inner_map_idx = 0,
};

char _license[] SEC("license") = "GPL";

SEC("prog")
int find(struct xdp_md *ctx)
{
	__u32 key = 1;
	void *map = lookup(&outer, &key);

	return map && lookup(map, &key) ? XDP_DROP : XDP_PASS;
}
