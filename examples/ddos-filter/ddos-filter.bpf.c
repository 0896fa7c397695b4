/*
 * Drops what comes from a block list of prefixes, and what a single source sends beyond its rate: a token bucket per
 * source address, with a stricter one for TCP connection requests (SYN flood).
 */
#include "../headers.h"

#define NANOSECONDS 1000000000ULL

/* Set before load. Packets a second, and how many may come at once. */
const volatile __u64 packet_rate = 10000;
const volatile __u64 packet_burst = 1000;
const volatile __u64 syn_rate = 20;
const volatile __u64 syn_burst = 10;

enum reason {
	REASON_PASSED,
	REASON_BLOCKED,
	REASON_PACKET_RATE,
	REASON_SYN_RATE,
	REASON_MALFORMED,
	REASONS,
};

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct prefix);
	__type(value, __u64); /* packets dropped by this entry */
} blocked SEC(".maps");

/* Tokens are counted in nanoseconds of credit, so that refilling is one addition. */
struct source {
	__u64 seen_ns;
	__u64 packet_credit_ns;
	__u64 syn_credit_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __be32);
	__type(value, struct source);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, __u64);
} packets_by_reason SEC(".maps");

struct drop_event {
	__u64 at_ns;
	__be32 saddr;
	__be32 daddr;
	enum reason reason;
	__u16 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* Keeps the type in BTF, where readers of the ring find it: a ring buffer has no value type of its own. */
const struct drop_event *drop_event_type __attribute__((unused));

static __always_inline int verdict(enum reason reason)
{
	__u32 index = reason;
	__u64 *packets = bpf_map_lookup_elem(&packets_by_reason, &index);

	if (packets)
		(*packets)++;
	return reason == REASON_PASSED ? XDP_PASS : XDP_DROP;
}

static __always_inline int drop(struct iphdr *ip, enum reason reason)
{
	struct drop_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (event) {
		event->at_ns = bpf_ktime_get_ns();
		event->saddr = ip->saddr;
		event->daddr = ip->daddr;
		event->reason = reason;
		event->length = bpf_ntohs(ip->tot_len);
		bpf_ringbuf_submit(event, 0);
	}
	return verdict(reason);
}

/* Adds the credit that `elapsed` brought, and takes one packet's worth; false where there isn't that much. */
static __always_inline bool spend(__u64 *credit_ns, __u64 elapsed_ns, __u64 rate, __u64 burst)
{
	__u64 cost = NANOSECONDS / (rate ?: 1);
	__u64 limit = burst * cost;
	__u64 credit = *credit_ns + elapsed_ns;

	if (credit > limit)
		credit = limit;
	if (credit < cost) {
		*credit_ns = credit;
		return false;
	}
	*credit_ns = credit - cost;
	return true;
}

static __always_inline enum reason charge(__be32 saddr, bool syn)
{
	struct source *source = bpf_map_lookup_elem(&sources, &saddr);
	__u64 now = bpf_ktime_get_ns();
	__u64 elapsed;

	if (!source) {
		struct source first = {
			.seen_ns = now,
			.packet_credit_ns = (packet_burst - 1) * (NANOSECONDS / (packet_rate ?: 1)),
			.syn_credit_ns = (syn_burst - syn) * (NANOSECONDS / (syn_rate ?: 1)),
		};

		bpf_map_update_elem(&sources, &saddr, &first, BPF_ANY);
		return REASON_PASSED;
	}
	elapsed = now - source->seen_ns;
	source->seen_ns = now;
	if (!spend(&source->packet_credit_ns, elapsed, packet_rate, packet_burst))
		return REASON_PACKET_RATE;
	if (!syn) {
		source->syn_credit_ns += elapsed;
		return REASON_PASSED;
	}
	return spend(&source->syn_credit_ns, elapsed, syn_rate, syn_burst) ? REASON_PASSED : REASON_SYN_RATE;
}

SEC("xdp")
int ddos_filter(struct xdp_md *ctx)
{
	struct cursor cursor = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct prefix source = { .length = 32 };
	enum reason reason;
	struct iphdr *ip;
	bool syn = false;
	__u64 *hits;

	if (take_ethernet(&cursor) != bpf_htons(ETH_P_IP))
		return verdict(REASON_PASSED);
	ip = take_ipv4(&cursor);
	if (!ip)
		return verdict(REASON_MALFORMED);

	__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
	hits = bpf_map_lookup_elem(&blocked, &source);
	if (hits) {
		__sync_fetch_and_add(hits, 1);
		return drop(ip, REASON_BLOCKED);
	}

	if (ip->protocol == IPPROTO_TCP && !(ip->frag_off & bpf_htons(0x1fff))) {
		struct tcphdr *tcp = take(&cursor, sizeof(*tcp));

		if (!tcp)
			return drop(ip, REASON_MALFORMED);
		syn = tcp->syn && !tcp->ack;
	}
	reason = charge(ip->saddr, syn);
	return reason == REASON_PASSED ? verdict(REASON_PASSED) : drop(ip, reason);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
