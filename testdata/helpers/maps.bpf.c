/* Maps, callbacks, ring buffers, dynptrs and tail calls as programs use them. */
#include <stdbool.h>
#include "results.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} small_percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} three SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} three_percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, __u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 2);
	__type(value, __u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u32);
} bloom SEC(".maps");

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner_a SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_a } };

SEC("xdp")
int update_flags(struct xdp_md *ctx)
{
	__u32 key = 1, absent = 9;
	__u64 value = 5, *found;

	put(0, bpf_map_update_elem(&small, &key, &value, BPF_EXIST));
	put(1, bpf_map_update_elem(&small, &key, &value, BPF_NOEXIST));
	put(2, bpf_map_update_elem(&small, &key, &value, BPF_NOEXIST));
	value = 6;
	put(3, bpf_map_update_elem(&small, &key, &value, BPF_EXIST));
	put(4, bpf_map_update_elem(&small, &key, &value, 3));
	put(5, bpf_map_update_elem(&small, &key, &value, 8));
	found = bpf_map_lookup_elem(&small, &key);
	put(6, found ? *found : -1);
	put(7, bpf_map_delete_elem(&small, &absent));
	for (int i = 2; i < 8; i++) {
		key = i;
		put(6 + i, bpf_map_update_elem(&small, &key, &value, 0));
	}
	key = 1;
	put(14, bpf_map_delete_elem(&small, &key));
	put(15, bpf_map_lookup_elem(&small, &key) != 0);
	key = 2;
	put(16, bpf_map_update_elem(&three, &key, &value, BPF_NOEXIST));
	put(17, bpf_map_update_elem(&three, &key, &value, BPF_EXIST));
	put(18, bpf_map_delete_elem(&three, &key));
	key = 3;
	put(19, bpf_map_update_elem(&three, &key, &value, 0));
	put(20, bpf_map_lookup_elem(&three, &key) != 0);
	put(21, bpf_map_update_elem(&three_percpu, &key, &value, 0));
	key = 0;
	put(22, bpf_map_update_elem(&three_percpu, &key, &value, 0));
	found = bpf_map_lookup_percpu_elem(&three_percpu, &key, 9999);
	put(23, found != 0);
	found = bpf_map_lookup_percpu_elem(&three_percpu, &key, bpf_get_smp_processor_id());
	put(24, found ? *found : -1);
	return XDP_PASS;
}

SEC("xdp")
int queues(struct xdp_md *ctx)
{
	__u32 value = 1;

	put(0, bpf_map_push_elem(&queue, &value, 0));
	value = 2;
	put(1, bpf_map_push_elem(&queue, &value, 0));
	put(2, bpf_map_push_elem(&queue, &value, 0));
	value = 3;
	put(3, bpf_map_push_elem(&queue, &value, BPF_EXIST));
	put(4, bpf_map_push_elem(&queue, &value, BPF_NOEXIST));
	value = 77;
	put(5, bpf_map_peek_elem(&queue, &value));
	put(6, value);
	put(7, bpf_map_pop_elem(&queue, &value));
	put(8, value);
	bpf_map_pop_elem(&queue, &value);
	put(9, value);
	put(10, bpf_map_pop_elem(&queue, &value));
	put(11, value);
	value = 1;
	bpf_map_push_elem(&stack, &value, 0);
	value = 2;
	bpf_map_push_elem(&stack, &value, 0);
	value = 3;
	put(12, bpf_map_push_elem(&stack, &value, 0));
	put(13, bpf_map_push_elem(&stack, &value, BPF_EXIST));
	put(14, bpf_map_pop_elem(&stack, &value));
	put(15, value);
	bpf_map_pop_elem(&stack, &value);
	put(16, value);
	put(17, bpf_map_peek_elem(&stack, &value));
	value = 5;
	put(18, bpf_map_peek_elem(&bloom, &value));
	put(19, bpf_map_push_elem(&bloom, &value, 0));
	put(20, bpf_map_peek_elem(&bloom, &value));
	put(21, bpf_map_push_elem(&bloom, &value, BPF_EXIST));
	return XDP_PASS;
}

static __always_inline int lookup_route(__u8 a, __u8 b, __u8 c, __u8 d)
{
	struct prefix key = { 32, { a, b, c, d } };
	__u32 *value = bpf_map_lookup_elem(&routes, &key);

	return value ? *value : -1;
}

static __always_inline int add_route(__u32 length, __u8 a, __u8 b, __u8 c, __u8 d, __u32 value, __u64 flags)
{
	struct prefix key = { length, { a, b, c, d } };

	return bpf_map_update_elem(&routes, &key, &value, flags);
}

SEC("xdp")
int lpm(struct xdp_md *ctx)
{
	struct prefix gone = { 16, { 10, 1, 0, 0 } };

	put(0, add_route(8, 10, 0, 0, 0, 8, 0));
	put(1, add_route(16, 10, 1, 0, 0, 16, 0));
	put(2, add_route(24, 10, 1, 2, 0, 24, BPF_NOEXIST));
	put(3, add_route(24, 10, 1, 2, 99, 25, BPF_NOEXIST));
	put(4, add_route(33, 10, 1, 2, 0, 24, 0));
	put(5, add_route(30, 10, 1, 2, 0, 24, BPF_EXIST));
	put(6, lookup_route(10, 1, 2, 3));
	put(7, lookup_route(10, 1, 9, 3));
	put(8, lookup_route(10, 9, 9, 3));
	put(9, lookup_route(11, 9, 9, 3));
	put(10, bpf_map_delete_elem(&routes, &gone));
	put(11, bpf_map_delete_elem(&routes, &gone));
	put(12, lookup_route(10, 1, 9, 3));
	put(13, add_route(0, 0, 0, 0, 0, 99, 0));
	put(14, lookup_route(11, 9, 9, 3));
	return XDP_PASS;
}

SEC("xdp")
int maps_of_maps(struct xdp_md *ctx)
{
	__u32 zero = 0, one = 1, two = 2;
	__u64 value = 42, *found;
	void *inner;

	put(0, bpf_map_lookup_elem(&outer, &zero) != 0);
	put(1, bpf_map_lookup_elem(&outer, &two) != 0);
	inner = bpf_map_lookup_elem(&outer, &one);
	put(2, inner != 0);
	if (!inner)
		return XDP_PASS;
	put(3, bpf_map_update_elem(inner, &zero, &value, 0));
	found = bpf_map_lookup_elem(inner, &zero);
	put(4, found ? *found : -1);
	put(5, bpf_map_lookup_elem(inner, &one) != 0);
	return XDP_PASS;
}

struct sum {
	__u64 keys;
	__u64 values;
	__u32 calls;
	__u32 stop_after;
};

struct bpf_map;

static long add_up(struct bpf_map *map, __u32 *key, __u64 *value, struct sum *sum)
{
	sum->keys += *key;
	sum->values += *value;
	sum->calls++;
	*value += 1;
	return sum->calls == sum->stop_after;
}

SEC("xdp")
int for_each(struct xdp_md *ctx)
{
	struct sum sum = {};

	for (int i = 0; i < 3; i++) {
		__u32 key = 10 + i, index = i;
		__u64 value = 100 * i;

		bpf_map_update_elem(&small, &key, &value, 0);
		bpf_map_update_elem(&small_percpu, &key, &value, 0);
		bpf_map_update_elem(&three, &index, &value, 0);
		bpf_map_update_elem(&three_percpu, &index, &value, 0);
	}
	put(0, bpf_for_each_map_elem(&small, add_up, &sum, 0));
	put(1, sum.keys);
	put(2, sum.values);
	put(3, bpf_for_each_map_elem(&small_percpu, add_up, &sum, 0));
	put(4, sum.keys);
	put(5, sum.values);
	put(6, bpf_for_each_map_elem(&three, add_up, &sum, 0));
	put(7, sum.keys);
	put(8, sum.values);
	put(9, bpf_for_each_map_elem(&three_percpu, add_up, &sum, 0));
	put(10, sum.keys);
	put(11, sum.values);
	sum.calls = 0;
	sum.stop_after = 2;
	put(12, bpf_for_each_map_elem(&three, add_up, &sum, 0));
	put(13, bpf_for_each_map_elem(&three, add_up, &sum, 1));
	put(14, sum.calls);
	return XDP_PASS;
}

static long count_to(__u64 index, __u64 *limit)
{
	return index == *limit;
}

static long outer_loop(__u64 index, __u64 *calls)
{
	__u64 limit = 2;

	*calls += bpf_loop(5, count_to, &limit, 0);
	return 0;
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	__u64 limit = 3, calls = 0;

	put(0, bpf_loop(10, count_to, &limit, 0));
	put(1, bpf_loop(2, count_to, &limit, 0));
	put(2, bpf_loop(0, count_to, &limit, 0));
	put(3, bpf_loop(10, count_to, &limit, 1));
	put(4, bpf_loop((1 << 23) + 1, count_to, &limit, 0));
	put(5, bpf_loop(1 << 23, count_to, &limit, 0));
	put(6, bpf_loop(4, outer_loop, &calls, 0));
	put(7, calls);
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("xdp")
int ring_buffer(struct xdp_md *ctx)
{
	__u64 data[2] = { 0x1111, 0x2222 };
	__u64 *record;

	put(0, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
	put(1, bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE));
	put(2, bpf_ringbuf_query(&ring, 9));
	put(3, bpf_ringbuf_output(&ring, data, sizeof(data), 0));
	put(4, bpf_ringbuf_output(&ring, data, 5, BPF_RB_NO_WAKEUP));
	put(5, bpf_ringbuf_output(&ring, data, sizeof(data), 4));
	put(6, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	record = bpf_ringbuf_reserve(&ring, 8, 0);
	put(7, record != 0);
	if (record) {
		*record = 0x3333;
		bpf_ringbuf_submit(record, 0);
	}
	record = bpf_ringbuf_reserve(&ring, 16, 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	put(8, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	put(9, bpf_ringbuf_query(&ring, BPF_RB_CONS_POS));
	record = bpf_ringbuf_reserve(&ring, 8, 1);
	put(10, record != 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	record = bpf_ringbuf_reserve(&ring, 4088, 0);
	put(11, record != 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	return XDP_PASS;
}

SEC("xdp")
int ring_buffer_full(struct xdp_md *ctx)
{
	__u64 data[8] = {};
	int sent = 0;

	for (int i = 0; i < 100; i++)
		if (bpf_ringbuf_output(&ring, data, sizeof(data), 0) == 0)
			sent++;
	put(0, sent);
	put(1, bpf_ringbuf_output(&ring, data, sizeof(data), 0));
	return XDP_PASS;
}

SEC("xdp")
int dynptrs(struct xdp_md *ctx)
{
	struct bpf_dynptr pointer;
	__u64 *value, buffer[2] = {};
	__u32 zero = 0;

	put(0, bpf_ringbuf_reserve_dynptr(&ring, 24, 0, &pointer));
	buffer[0] = 0x4444;
	put(1, bpf_dynptr_write(&pointer, 0, buffer, 8, 0));
	put(2, bpf_dynptr_write(&pointer, 20, buffer, 8, 0));
	put(3, bpf_dynptr_write(&pointer, 0, buffer, 8, 1));
	value = bpf_dynptr_data(&pointer, 8, 8);
	put(4, value != 0);
	if (value)
		*value = 0x5555;
	put(5, bpf_dynptr_data(&pointer, 20, 8) != 0);
	put(6, bpf_dynptr_read(buffer, 16, &pointer, 0, 0));
	put(7, buffer[0]);
	put(8, buffer[1]);
	put(9, bpf_dynptr_read(buffer, 16, &pointer, 9, 0));
	put(10, bpf_dynptr_read(buffer, 16, &pointer, 0, 1));
	bpf_ringbuf_submit_dynptr(&pointer, 0);
	put(11, bpf_ringbuf_reserve_dynptr(&ring, 1 << 24, 0, &pointer));
	put(12, bpf_dynptr_write(&pointer, 0, buffer, 8, 0));
	bpf_ringbuf_discard_dynptr(&pointer, 0);
	put(13, bpf_ringbuf_reserve_dynptr(&ring, 8192, 0, &pointer));
	bpf_ringbuf_discard_dynptr(&pointer, 0);
	value = bpf_map_lookup_elem(&three, &zero);
	if (!value)
		return XDP_PASS;
	put(14, bpf_dynptr_from_mem(value, 8, 0, &pointer));
	buffer[0] = 0x6666;
	put(15, bpf_dynptr_write(&pointer, 0, buffer, 8, 0));
	put(16, *value);
	put(17, bpf_dynptr_from_mem(value, 8, 1, &pointer));
	put(18, bpf_dynptr_read(buffer, 8, &pointer, 0, 0));
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

SEC("xdp")
int perf_events(struct xdp_md *ctx)
{
	__u64 data = 7;

	put(0, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &data, sizeof(data)));
	put(1, bpf_perf_event_output(ctx, &events, 9999, &data, sizeof(data)));
	put(2, bpf_perf_event_output(ctx, &events, 1ull << 60, &data, sizeof(data)));
	put(3, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | (61ull << 32), &data, sizeof(data)));
	put(4, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | (60ull << 32), &data, sizeof(data)));
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices_by_name SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} processors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* The test puts the loopback device into slot 1 of both device maps. */
SEC("xdp")
int redirect_map(struct xdp_md *ctx)
{
	__u32 one = 1, two = 2, *found;

	put(0, bpf_redirect_map(&devices, 1, 0));
	put(1, bpf_redirect_map(&devices, 2, 0));
	put(2, bpf_redirect_map(&devices, 2, XDP_PASS));
	put(3, bpf_redirect_map(&devices, 2, XDP_TX));
	put(4, bpf_redirect_map(&devices, 9, XDP_DROP));
	put(5, bpf_redirect_map(&devices, 1, 4));
	put(6, bpf_redirect_map(&devices, 2, BPF_F_BROADCAST));
	put(7, bpf_redirect_map(&devices, 1, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS));
	put(8, bpf_redirect_map(&devices, 1, 1ull << 40));
	put(9, bpf_redirect_map(&devices, 0x100000001ull, 0));
	put(10, bpf_redirect_map(&devices_by_name, 1, 0));
	put(11, bpf_redirect_map(&devices_by_name, 2, XDP_PASS));
	put(12, bpf_redirect_map(&processors, 0, XDP_PASS));
	put(13, bpf_redirect_map(&processors, 0, BPF_F_BROADCAST));
	put(14, bpf_redirect_map(&sockets, 0, XDP_PASS));
	found = bpf_map_lookup_elem(&devices, &one);
	put(15, found ? *found : -1);
	found = bpf_map_lookup_elem(&devices, &two);
	put(16, found ? *found : -1);
	return XDP_PASS;
}

int tail_self(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, int(void *));
} programs SEC(".maps") = { .values = { [1] = (void *)&tail_self } };

__u64 depth;

SEC("xdp")
int tail_self(struct xdp_md *ctx)
{
	put(0, ++depth);
	bpf_tail_call(ctx, &programs, 1);
	put(1, depth);
	return XDP_TX;
}

SEC("xdp")
int tail_missing(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &programs, 2);
	put(0, 1);
	bpf_tail_call(ctx, &programs, 3);
	put(1, 2);
	bpf_tail_call(ctx, &programs, -1);
	return XDP_DROP;
}

SEC("xdp")
int tail_start(struct xdp_md *ctx)
{
	depth = 0;
	bpf_tail_call(ctx, &programs, 1);
	return XDP_ABORTED;
}
