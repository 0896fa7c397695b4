// generate: maps.xdp.o clang-19 -mcpu=v3
/* What works on maps. Keys come from a generator in the program, since every run has the same packet. */
#include "bench.h"
#include "../../../examples/headers.h"

struct flow {
	__u32 saddr;
	__u32 daddr;
	__u16 sport;
	__u16 dport;
	__u8 protocol;
	__u8 pad[3];
};

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct event {
	__u64 words[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10000);
	__type(key, struct flow);
	__type(value, __u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 100000);
	__type(key, struct prefix);
	__type(value, __u64);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

/* How many flows there are. */
const volatile __u32 flow_count = 10000;

__u32 state = 1;

static __always_inline __u32 next(void)
{
	state = state * 1664525 + 1013904223;
	return state;
}

static __always_inline void choose_flow(struct flow *flow, __u32 count)
{
	__u32 index = (__u64)next() * count >> 32;

	flow->saddr = 0x0a000000 + index;
	flow->daddr = 0xc0000250;
	flow->sport = index;
	flow->dport = 80;
	flow->protocol = 6;
	flow->pad[0] = flow->pad[1] = flow->pad[2] = 0;
}

static __always_inline int count_protocol(struct xdp_md *ctx)
{
	struct cursor cursor = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct iphdr *ip;
	__u64 *packets;
	__u32 index;

	if (take_ethernet(&cursor) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = take_ipv4(&cursor);
	if (!ip)
		return XDP_DROP;
	index = ip->protocol;
	packets = bpf_map_lookup_elem(&counters, &index);
	if (packets)
		(*packets)++;
	return XDP_PASS;
}

/* What is done once a packet. */
SEC("xdp") int parse_count(struct xdp_md *ctx)
{
	return count_protocol(ctx);
}

/* The same, often enough for clocks that count whole nanoseconds. */
SEC("xdp") int parse_count_8(struct xdp_md *ctx)
{
	int verdict = XDP_PASS;

#pragma unroll
	for (int time = 0; time < 8; time++) {
		verdict = count_protocol(ctx);
		asm volatile("" ::: "memory");
	}
	return verdict;
}

SEC("xdp") int hash_lookup(struct xdp_md *ctx)
{
	__u64 *packets;
	struct flow flow;

#pragma unroll
	for (int time = 0; time < 4; time++) {
		choose_flow(&flow, flow_count);
		packets = bpf_map_lookup_elem(&flows, &flow);
		if (packets)
			(*packets)++;
	}
	return XDP_PASS;
}

/* Half of the updates are of flows that have to take the place of others. */
SEC("xdp") int lru_update(struct xdp_md *ctx)
{
	struct flow flow;
	__u64 value = 1;

	choose_flow(&flow, 20000);
	bpf_map_update_elem(&recent, &flow, &value, BPF_ANY);
	return XDP_PASS;
}

SEC("xdp") int lpm_lookup(struct xdp_md *ctx)
{
	struct prefix prefix = { .length = 32 };
	__u32 address = next();
	__u64 *hits;

	__builtin_memcpy(prefix.address, &address, sizeof(prefix.address));
	hits = bpf_map_lookup_elem(&routes, &prefix);
	if (hits)
		(*hits)++;
	return XDP_PASS;
}

SEC("xdp") int tail_chain(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &programs, 0);
	return XDP_PASS;
}

SEC("xdp") int lookups_64(struct xdp_md *ctx)
{
	__u32 start = next();
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 64; round++) {
		__u32 index = (start + round * 7) & 255;
		__u64 *value = bpf_map_lookup_elem(&counters, &index);

		if (value)
			sum += *value;
	}
	return sum == 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int ring_output(struct xdp_md *ctx)
{
	struct event event = { .words = { state, 2, 3, 4 } };

	bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP);
	return XDP_PASS;
}

LICENSE_GPL;
