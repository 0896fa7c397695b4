/* The other half of linked-first. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct counter { __u64 packets, bytes; };
extern struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, struct counter); } counters SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
int limit = 100;
static int hidden_state = 9;
int zeros[4];
extern const int CONFIG_HZ __kconfig;
__weak int fallback(int x) { return x + 2; }
static __noinline int helper(int x) { hidden_state ^= x; return x * 3; }
int classify(struct xdp_md *ctx, int base) {
	if (!ctx) return 0;
	zeros[1]++;
	bpf_printk("classify %d", base);
	return helper(base) + limit + CONFIG_HZ;
}
SEC("xdp") int second(struct xdp_md *ctx) {
	__u32 key = 1; struct counter *c = bpf_map_lookup_elem(&counters, &key);
	if (c) c->bytes += limit;
	return helper(fallback(1)) & 1 ? XDP_PASS : XDP_DROP;
}
