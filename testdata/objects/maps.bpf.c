// generate: maps.clang-14.o clang-14
// generate: maps.clang-19.o clang-19 -mcpu=v3
// generate: maps.clang-22.o clang-22 -mcpu=v4
// generate: maps.big-endian.o clang-19 --target=bpfeb -mcpu=v3
/* Maps as BTF defines them: every attribute, and initial values of maps of maps and of prog arrays. */
#include "program.h"

#ifndef __ulong
#define NUMBER_NAME_(name, line) name##_at_##line
#define NUMBER_NAME(name, line) NUMBER_NAME_(name, line)
#define __ulong(name, value) enum { NUMBER_NAME(name, __LINE__) = value } name
#endif

struct flow {
	__u32 source, destination;
	__u16 ports[2];
};

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct counter);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct counter));
	__uint(max_entries, 5);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__type(value, __u32);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__type(value, __u32);
	__uint(max_entries, 100);
	__ulong(map_extra, 4);
} seen_too SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

/* One definition, two maps. */
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = {
	.values = { &first, 0, 0, &second },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u64);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 2);
		__type(key, __u16);
		__type(value, __u8);
	});
} by_name SEC(".maps");

int pass(struct xdp_md *ctx);
int drop(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} next SEC(".maps") = {
	.values = { [1] = (void *)&drop, [3] = (void *)&pass },
};

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	struct flow flow = {};
	__u32 zero = 0;
	struct counter *total = bpf_map_lookup_elem(&totals, &zero);
	struct counter *counter = bpf_map_lookup_elem(&flows, &flow);
	void *inner = bpf_map_lookup_elem(&by_index, &zero);

	if (total)
		total->packets++;
	if (counter)
		counter->bytes += ctx->data_end - ctx->data;
	if (inner && bpf_map_lookup_elem(inner, &zero))
		return XDP_DROP;
	bpf_map_push_elem(&seen, &zero, 0);
	bpf_map_push_elem(&seen_too, &zero, 0);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &zero, sizeof(zero));
	bpf_ringbuf_output(&ring, &zero, sizeof(zero), 0);
	bpf_tail_call(ctx, &next, 1);
	return bpf_map_lookup_elem(&by_name, &flow) ? XDP_PASS : XDP_ABORTED;
}
