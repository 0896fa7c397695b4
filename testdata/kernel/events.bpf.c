/* Rings of all kinds, filled by test runs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct event {
	__u64 number;
	__u32 size;
	__u32 cpu;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} samples SEC(".maps");

struct {
	__uint(type, 31 /* BPF_MAP_TYPE_USER_RINGBUF */);
	__uint(max_entries, 1 << 16);
} commands SEC(".maps");

/* Next number, events that found no room, and how many a run sends. */
__u64 next;
__u64 dropped;
__u32 burst = 1;
__u64 received;
__u64 received_sum;

static long send_one(__u32 i, void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		dropped++;
		return 0;
	}
	event->number = next++;
	event->size = sizeof(*event);
	event->cpu = bpf_get_smp_processor_id();
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("syscall")
int send_events(void *ctx)
{
	bpf_loop(burst, send_one, NULL, 0);
	return 0;
}

/* An event that is given up in between two that are not. */
SEC("syscall")
int send_and_discard(void *ctx)
{
	void *event;

	send_one(0, NULL);
	event = bpf_ringbuf_reserve(&events, 100, 0);
	if (event)
		bpf_ringbuf_discard(event, 0);
	send_one(0, NULL);
	return 0;
}

SEC("xdp")
int send_sample(struct xdp_md *ctx)
{
	struct event event = { .number = next++, .size = sizeof(event), .cpu = bpf_get_smp_processor_id() };

	if (bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &event, sizeof(event)))
		dropped++;
	return XDP_PASS;
}

static long receive_one(struct bpf_dynptr *dynptr, void *ctx)
{
	__u64 *number = bpf_dynptr_data(dynptr, 0, sizeof(*number));

	if (!number)
		return 0;
	received++;
	received_sum += *number;
	return 0;
}

SEC("syscall")
int receive_commands(void *ctx)
{
	return bpf_user_ringbuf_drain(&commands, receive_one, NULL, 0);
}
