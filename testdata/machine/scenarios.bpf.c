/* What routers, proxies and servers of the Machine's scenarios run. */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

/* Address translation: connections from inside leave with the router's own address and a port of its choice. */

#define FIRST_PORT 40000
#define PORTS 20000

struct flow {
	__be32 inside;
	__be32 outside;
	__be16 inside_port;
	__be16 outside_port;
	__u32 protocol;
};

struct outer {
	__be32 outside;
	__be16 outside_port;
	__be16 port;
	__u32 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, __u32);
} translations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct outer);
	__type(value, struct flow);
} connections SEC(".maps");

__be32 router_address;
__u32 next_port;
__u64 created;

#define IP_AT ETH_HLEN
#define L4_AT (ETH_HLEN + (int)sizeof(struct iphdr))

static __always_inline struct iphdr *headers(struct __sk_buff *skb, __be16 **ports)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + IP_AT;

	if (data + L4_AT + 4 > end || skb->protocol != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return NULL;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return NULL;
	*ports = data + L4_AT;
	return ip;
}

/* Writes another address and port into a packet and keeps its checksums right. */
static __always_inline void rewrite(struct __sk_buff *skb, __u32 protocol, bool source, __be32 from, __be32 to,
				    __be16 from_port, __be16 to_port)
{
	int sum = L4_AT + (protocol == IPPROTO_TCP ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check));
	__u64 flags = protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	int address_at = IP_AT + (source ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr));
	int port_at = L4_AT + (source ? 0 : 2);

	bpf_l4_csum_replace(skb, sum, from, to, flags | BPF_F_PSEUDO_HDR | 4);
	bpf_l4_csum_replace(skb, sum, from_port, to_port, flags | 2);
	bpf_l3_csum_replace(skb, IP_AT + offsetof(struct iphdr, check), from, to, 4);
	bpf_skb_store_bytes(skb, address_at, &to, sizeof(to), 0);
	bpf_skb_store_bytes(skb, port_at, &to_port, sizeof(to_port), 0);
}

SEC("tc")
int nat_out(struct __sk_buff *skb)
{
	__be16 *ports;
	struct iphdr *ip = headers(skb, &ports);
	struct flow flow = {};
	__u32 *known, port;

	if (!ip)
		return TC_ACT_OK;
	flow.inside = ip->saddr;
	flow.outside = ip->daddr;
	flow.inside_port = ports[0];
	flow.outside_port = ports[1];
	flow.protocol = ip->protocol;
	known = bpf_map_lookup_elem(&translations, &flow);
	if (known) {
		port = *known;
	} else {
		struct outer outer = { .outside = flow.outside, .outside_port = flow.outside_port, .protocol = flow.protocol };

		port = FIRST_PORT + __sync_fetch_and_add(&next_port, 1) % PORTS;
		outer.port = bpf_htons(port);
		bpf_map_update_elem(&translations, &flow, &port, BPF_ANY);
		bpf_map_update_elem(&connections, &outer, &flow, BPF_ANY);
		__sync_fetch_and_add(&created, 1);
	}
	rewrite(skb, flow.protocol, true, flow.inside, router_address, flow.inside_port, bpf_htons(port));
	return TC_ACT_OK;
}

/* What belongs to no connection that was made from inside goes no further. */
SEC("tc")
int nat_in(struct __sk_buff *skb)
{
	__be16 *ports;
	struct iphdr *ip = headers(skb, &ports);
	struct outer outer = {};
	struct flow *flow;

	if (!ip)
		return TC_ACT_OK;
	outer.outside = ip->saddr;
	outer.outside_port = ports[0];
	outer.port = ports[1];
	outer.protocol = ip->protocol;
	flow = bpf_map_lookup_elem(&connections, &outer);
	if (!flow)
		return TC_ACT_SHOT;
	rewrite(skb, outer.protocol, false, router_address, flow->inside, outer.port, flow->inside_port);
	return TC_ACT_OK;
}

/* A proxy: what comes in at one of two connections goes out of the other, without passing user space. */

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

/* Entry of `streams` that a socket, by its cookie, is joined to. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u32);
} partners SEC(".maps");

__u64 spliced;

SEC("sk_skb/verdict")
int splice(struct __sk_buff *skb)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 *partner = bpf_map_lookup_elem(&partners, &cookie);

	if (!partner)
		return SK_PASS;
	__sync_fetch_and_add(&spliced, skb->len);
	return bpf_sk_redirect_map(skb, &streams, *partner, 0);
}

/* A token bucket for each sender, in packets. */

struct bucket {
	__u64 tokens;
	__u64 filled_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

__u64 burst = 100;
__u64 nanoseconds_a_packet = 1000000;

SEC("xdp")
int limit(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	void *end = (void *)(long)xdp->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct bucket full = { .tokens = burst, .filled_at = bpf_ktime_get_ns() };
	struct bucket *bucket;
	__u64 fresh;

	if (data + ETH_HLEN + sizeof(*ip) > end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	bucket = bpf_map_lookup_elem(&buckets, &ip->saddr);
	if (!bucket) {
		bpf_map_update_elem(&buckets, &ip->saddr, &full, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&buckets, &ip->saddr);
		if (!bucket)
			return XDP_DROP;
	}
	fresh = (full.filled_at - bucket->filled_at) / nanoseconds_a_packet;
	if (fresh > 0) {
		bucket->tokens = bucket->tokens + fresh > burst ? burst : bucket->tokens + fresh;
		bucket->filled_at += fresh * nanoseconds_a_packet;
	}
	if (bucket->tokens == 0)
		return XDP_DROP;
	bucket->tokens--;
	return XDP_PASS;
}
