/* Counts packets and bytes by IP protocol, and lets everything pass. */
#include "../headers.h"

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct traffic);
} by_protocol SEC(".maps");

/* What isn't IP, by ethertype in host order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u16);
	__type(value, struct traffic);
} by_ethertype SEC(".maps");

static __always_inline void count_ethertype(__u16 ethertype, __u64 bytes)
{
	struct traffic first = { .packets = 1, .bytes = bytes };
	struct traffic *traffic = bpf_map_lookup_elem(&by_ethertype, &ethertype);

	if (!traffic) {
		bpf_map_update_elem(&by_ethertype, &ethertype, &first, BPF_NOEXIST);
		return;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, bytes);
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	struct cursor cursor = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u64 bytes = ctx->data_end - ctx->data;
	__be16 ethertype = take_ethernet(&cursor);
	struct traffic *traffic;
	__u32 protocol;

	if (ethertype == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take_ipv4(&cursor);

		if (!ip)
			return XDP_PASS;
		protocol = ip->protocol;
	} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take(&cursor, sizeof(*ip));

		if (!ip)
			return XDP_PASS;
		protocol = ip->nexthdr;
	} else {
		count_ethertype(bpf_ntohs(ethertype), bytes);
		return XDP_PASS;
	}

	traffic = bpf_map_lookup_elem(&by_protocol, &protocol);
	if (traffic) {
		traffic->packets++;
		traffic->bytes += bytes;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
