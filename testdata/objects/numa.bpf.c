// generate: numa.clang-19.o clang-19
/* A map on a NUMA node that few machines have. */
#include "program.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
	__uint(map_flags, BPF_F_NUMA_NODE);
	__uint(numa_node, 3);
} far SEC(".maps");

SEC("xdp")
int look(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&far, &key) ? XDP_PASS : XDP_DROP;
}
