// generate: subprograms.clang-14.o clang-14
// generate: subprograms.clang-19.o clang-19 -mcpu=v3
// generate: subprograms.clang-22.o clang-22 -mcpu=v4
// generate: subprograms.dwarf.o clang-19 -mcpu=v3 +dwarf
// generate: subprograms.bare.o clang-19 -mcpu=v3 -g0 -DNO_MAP
/* Calls of all kinds: static and global, nested, shared by programs, weak and hidden, callbacks, within a section. */
#include "program.h"

/* Maps need BTF, functions don't. */
#ifndef NO_MAP
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");
#endif

struct bpf_map;
__u64 sum;

static __noinline int leaf(int x)
{
	return x * 3 + bpf_get_smp_processor_id();
}

static __noinline int middle(int x)
{
	return leaf(x) + leaf(x + 1);
}

__noinline int global(int x)
{
	return middle(x) - leaf(2 * x);
}

__hidden __noinline int concealed(int x)
{
	sum += x;
	return x ? global(x - 1) : 0;
}

__weak __noinline int replaceable(int x)
{
	return x ^ (int)bpf_get_prandom_u32();
}

static __attribute__((unused)) int add_up(struct bpf_map *map, __u32 *key, __u64 *value, void *ctx)
{
	sum += *value + leaf(*key);
	return 0;
}

static int never_called_twice(__u32 index, void *ctx)
{
	return index > 3;
}

SEC("tc")
int calls_all(struct __sk_buff *skb)
{
	return global(skb->len) + concealed(skb->mark) + replaceable(skb->hash);
}

SEC("tc")
int calls_one(struct __sk_buff *skb)
{
	return leaf(skb->len);
}

SEC("tc")
int calls_none(struct __sk_buff *skb)
{
	return skb->len > 100;
}

SEC("?tc")
int with_callbacks(struct __sk_buff *skb)
{
#ifndef NO_MAP
	bpf_for_each_map_elem(&values, add_up, 0, 0);
#endif
	bpf_loop(4, never_called_twice, 0, 0);
	return sum > 10;
}

/* A static function beside the program that calls it: clang needs no relocation for that. */
static __noinline SEC("xdp") int beside(int x)
{
	return x + (int)bpf_ktime_get_ns();
}

SEC("xdp")
int calls_beside(struct xdp_md *ctx)
{
	return beside(ctx->rx_queue_index) & 1 ? XDP_PASS : XDP_DROP;
}
