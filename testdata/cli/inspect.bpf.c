/* Programs and maps to look at with the command: values of every shape, subprograms, metadata, many kinds of maps. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

const char bpf_metadata_author[] SEC(".rodata") = "tsbpf";
const volatile __u32 bpf_metadata_version SEC(".rodata") = 7;

enum state {
	NEW = 1,
	ESTABLISHED,
	CLOSED = -3,
};

enum wide {
	WIDE = 0x100000000ull,
};

struct address {
	__u32 host;
	__u16 port;
};

struct flow {
	struct address from, to;
	__u8 protocol;
};

typedef __u64 nanoseconds;

struct record {
	nanoseconds seen;
	enum state state;
	__u32 urgent : 3, marked : 1, : 4, rest : 12;
	char name[8];
	__u8 mac[6];
	__s16 delta;
	bool closed;
	union {
		__u32 word;
		__u8 bytes[4];
	};
	struct address hops[2];
	void *next;
	enum wide wide;
	char one;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, struct record);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct address);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__uint(value_size, 20);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__uint(key_size, 2);
	__uint(value_size, 3);
} recent SEC(".maps");

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} pile SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} inside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inside } };

int jumped(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [2] = (void *)&jumped } };

__u32 threshold = 1500;
__u64 packets;
struct address last;

static __noinline int too_long(struct xdp_md *ctx, __u32 limit)
{
	return ctx->data_end - ctx->data > limit;
}

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	struct flow key = { .protocol = 6 };
	struct record *found;
	__u32 zero = 0;

	__sync_fetch_and_add(&packets, 1);
	found = bpf_map_lookup_elem(&flows, &key);
	if (found && found->state == CLOSED)
		return XDP_DROP;
	if (too_long(ctx, threshold)) {
		bpf_map_update_elem(&plain, &zero, &(char[20]){ 1 }, BPF_ANY);
		bpf_tail_call(ctx, &jumps, 2);
		return XDP_ABORTED;
	}
	for (int i = 0; i < 3 && key.from.host != i; i++)
		bpf_printk("hop %d of %u", i, bpf_metadata_version);
	last = key.from;
	return XDP_PASS;
}

SEC("xdp")
int jumped(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct address *mine = bpf_map_lookup_elem(&counters, &zero);

	if (mine)
		mine->host += skb->len;
	return TC_ACT_UNSPEC;
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return 1;
}

SEC("raw_tp/sys_enter")
int on_syscall(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	return 0;
}

SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	return BPF_OK;
}

SEC("sk_msg")
int on_message(struct sk_msg_md *msg)
{
	return SK_PASS;
}
