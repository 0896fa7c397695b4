/* Timers in maps: what their helpers answer, and callbacks that leave their trace. */
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOTTIME 7

#include "results.h"

struct element {
	__u64 fired;
	struct bpf_timer timer;
	__u64 key;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct element);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct element);
} hash SEC(".maps");

static int fire(void *map, __u32 *key, struct element *element)
{
	element->fired++;
	element->key = *key;
	put(40, bpf_timer_cancel(&element->timer));
	return 0;
}

static int fire_again(void *map, __u32 *key, struct element *element)
{
	if (++element->fired < 3)
		bpf_timer_start(&element->timer, 1000000, 0);
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	__u32 zero = 0, one = 1, five = 5;
	struct element fresh = {}, *element = bpf_map_lookup_elem(&array, &one);

	if (!element)
		return 0;
	put(0, bpf_timer_start(&element->timer, 0, 0));
	put(1, bpf_timer_set_callback(&element->timer, fire));
	put(2, bpf_timer_cancel(&element->timer));
	put(3, bpf_timer_init(&element->timer, &array, 2));
	put(4, bpf_timer_init(&element->timer, &array, 16));
	put(5, bpf_timer_init(&element->timer, &array, CLOCK_MONOTONIC));
	put(6, bpf_timer_init(&element->timer, &array, CLOCK_MONOTONIC));
	put(7, bpf_timer_start(&element->timer, 0, 0));
	put(8, bpf_timer_set_callback(&element->timer, fire));
	put(9, bpf_timer_start(&element->timer, 1000000, 4));
	put(10, bpf_timer_cancel(&element->timer));
	put(11, bpf_timer_start(&element->timer, 1000000, 0));
	put(12, bpf_timer_set_callback(&element->timer, fire));
	put(13, bpf_timer_start(&element->timer, 1000000000, 0));
	put(14, bpf_timer_cancel(&element->timer));
	put(15, bpf_timer_set_callback(&element->timer, fire));
	put(16, bpf_timer_start(&element->timer, 1000000, 0));
	bpf_map_update_elem(&hash, &five, &fresh, 0);
	element = bpf_map_lookup_elem(&hash, &five);
	if (!element)
		return 0;
	put(17, bpf_timer_init(&element->timer, &hash, CLOCK_BOOTTIME));
	put(18, bpf_timer_set_callback(&element->timer, fire_again));
	put(19, bpf_timer_start(&element->timer, 2000000, 0));
	bpf_map_update_elem(&hash, &zero, &fresh, 0);
	element = bpf_map_lookup_elem(&hash, &zero);
	if (!element)
		return 0;
	bpf_timer_init(&element->timer, &hash, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&element->timer, fire);
	bpf_timer_start(&element->timer, 3000000, 0);
	/* Goes with its element. */
	bpf_map_delete_elem(&hash, &zero);
	return 0;
}
