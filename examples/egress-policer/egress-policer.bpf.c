/*
 * A policer for tc egress: every destination prefix of the table has a rate in bytes a second; what exceeds it is
 * dropped, and what comes near it is marked with ECN's "congestion experienced" where the sender understands that.
 */
#include "../headers.h"
#include <linux/pkt_cls.h>

#define NANOSECONDS 1000000000ULL
#define ECN_MASK 3
#define ECN_CE 3

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct policy {
	__u64 bytes_per_second;
	__u64 burst_bytes;
	/* State; user space leaves it 0. */
	__u64 tokens;
	__u64 filled_ns;
	__u64 passed_bytes;
	__u64 dropped_bytes;
	__u64 marked_packets;
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix);
	__type(value, __u32); /* index into policies */
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct policy);
} policies SEC(".maps");

enum outcome { PASS, MARK, DROP };

static __always_inline enum outcome police(struct policy *policy, __u32 bytes)
{
	__u64 now = bpf_ktime_get_ns();
	enum outcome outcome = PASS;
	__u64 elapsed;

	bpf_spin_lock(&policy->lock);
	elapsed = now - policy->filled_ns;
	/* A second's worth at most, so that the product can't overflow. */
	if (elapsed > NANOSECONDS || !policy->filled_ns)
		policy->tokens = policy->burst_bytes;
	else
		policy->tokens += elapsed * (policy->bytes_per_second >> 10) / (NANOSECONDS >> 10);
	policy->filled_ns = now;
	if (policy->tokens > policy->burst_bytes)
		policy->tokens = policy->burst_bytes;

	if (policy->tokens < bytes) {
		policy->dropped_bytes += bytes;
		outcome = DROP;
	} else {
		policy->tokens -= bytes;
		policy->passed_bytes += bytes;
		if (policy->tokens < policy->burst_bytes / 4) {
			policy->marked_packets++;
			outcome = MARK;
		}
	}
	bpf_spin_unlock(&policy->lock);
	return outcome;
}

static __always_inline void mark_congestion(struct __sk_buff *skb, struct iphdr *ip, __u32 ip_offset)
{
	__u8 tos = ip->tos;
	__u8 marked = tos | ECN_CE;

	if (!(tos & ECN_MASK) || (tos & ECN_MASK) == ECN_CE)
		return;
	bpf_l3_csum_replace(skb, ip_offset + __builtin_offsetof(struct iphdr, check), bpf_htons(tos), bpf_htons(marked), 2);
	bpf_skb_store_bytes(skb, ip_offset + __builtin_offsetof(struct iphdr, tos), &marked, sizeof(marked), 0);
}

SEC("tc")
int police_egress(struct __sk_buff *skb)
{
	struct cursor cursor = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	struct prefix destination = { .length = 32 };
	struct policy *policy;
	struct iphdr *ip;
	__u32 ip_offset;
	__u32 *class;

	if (take_ethernet(&cursor) != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	ip_offset = cursor.at - (void *)(long)skb->data;
	ip = take_ipv4(&cursor);
	if (!ip)
		return TC_ACT_SHOT;

	__builtin_memcpy(destination.address, &ip->daddr, sizeof(destination.address));
	class = bpf_map_lookup_elem(&classes, &destination);
	if (!class)
		return TC_ACT_OK;
	policy = bpf_map_lookup_elem(&policies, class);
	if (!policy)
		return TC_ACT_OK;

	switch (police(policy, skb->len)) {
	case DROP:
		return TC_ACT_SHOT;
	case MARK:
		mark_congestion(skb, ip, ip_offset);
		break;
	case PASS:
		break;
	}
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
