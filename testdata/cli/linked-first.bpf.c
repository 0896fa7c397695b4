/* Linked with linked-second: each has what the other expects, and both have static names of their own. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct counter { __u64 packets, bytes; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, struct counter); } counters SEC(".maps");
extern struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
extern int limit;
int own = 3;
static int hidden_state = 7;
static const volatile int own_const = 5;
extern int classify(struct xdp_md *ctx, int base);
__weak int fallback(int x) { return x + 1; }
extern const int CONFIG_HZ __kconfig;
static __noinline int helper(int x) { hidden_state += x; return x * 2 + own_const; }
SEC("xdp") int first(struct xdp_md *ctx) {
	__u32 key = 0; struct counter *c = bpf_map_lookup_elem(&counters, &key);
	__u64 *s = bpf_map_lookup_elem(&seen, &key);
	if (c) c->packets += s ? *s : limit;
	bpf_printk("first %d", own);
	return classify(ctx, helper(own) + fallback(hidden_state)) + CONFIG_HZ;
}
