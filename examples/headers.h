/* What the examples share: walking Ethernet, VLAN and IP headers under the verifier's eye. */
#ifndef TSBPF_EXAMPLES_HEADERS_H
#define TSBPF_EXAMPLES_HEADERS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_VLAN_TAGS 2

struct vlan_tag {
	__be16 tci;
	__be16 encapsulated_proto;
};

/* A read position in a packet; nothing at or behind `end` may be touched. */
struct cursor {
	void *at;
	void *end;
};

/* The next `size` bytes, or NULL where the packet is shorter. */
static __always_inline void *take(struct cursor *cursor, __u64 size)
{
	void *at = cursor->at;

	if (at + size > cursor->end)
		return NULL;
	cursor->at = at + size;
	return at;
}

/* Steps over the Ethernet header and up to MAX_VLAN_TAGS tags; the ethertype behind them, or 0. */
static __always_inline __be16 take_ethernet(struct cursor *cursor)
{
	struct ethhdr *eth = take(cursor, sizeof(*eth));
	__be16 proto;

	if (!eth)
		return 0;
	proto = eth->h_proto;
#pragma unroll
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(cursor, sizeof(*tag));
		if (!tag)
			return 0;
		proto = tag->encapsulated_proto;
	}
	return proto;
}

/* Steps over an IPv4 header with its options, or NULL. */
static __always_inline struct iphdr *take_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->ihl < 5)
		return NULL;
	if (!take(cursor, (ip->ihl - 5) * 4))
		return NULL;
	return ip;
}

#endif
