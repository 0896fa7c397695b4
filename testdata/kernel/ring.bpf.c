/* Fills a ring buffer with as many events as it is told to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

__u64 next;
__u32 burst = 400000;

static long send_one(__u32 i, void *ctx)
{
	__u64 *event = bpf_ringbuf_reserve(&ring, 16, 0);

	if (!event)
		return 1;
	event[0] = next++;
	event[1] = i;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("raw_tp/sys_enter")
int fill(void *ctx)
{
	bpf_loop(burst, send_one, NULL, 0);
	return 0;
}
