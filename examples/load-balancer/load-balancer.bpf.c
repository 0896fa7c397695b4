/*
 * A layer-4 load balancer at the driver: a virtual service is spread over real servers by a Maglev table, a connection
 * stays with its server for as long as the affinity map remembers it, and the packet goes there inside IPIP, so that
 * the server answers the client directly.
 */
#include "../headers.h"

#define MAGLEV_SIZE 4099 /* a prime, about 100 times the servers of a service */
#define MAX_SERVICES 16
#define OUTER_TTL 64

struct service_key {
	__be32 address;
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

struct service {
	__u32 index; /* the service's stretch of the Maglev table */
};

struct server {
	__be32 address;
	__u8 mac[6]; /* next hop */
	__u16 pad;
};

struct connection {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 pad[3];
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

/* Server number for each slot; user space fills it as Maglev does (NSDI 2016, section 3.4). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES * MAGLEV_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} maglev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct server);
} servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 100000);
	__type(key, struct connection);
	__type(value, __u32);
} affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic_by_server SEC(".maps");

/* Source of the outer header; set before load. */
const volatile __be32 balancer_address = bpf_htonl(0x0a000001);

/* Jenkins's one-at-a-time over the connection's words, seeded so that nobody outside can aim at one server. */
const volatile __u32 hash_seed = 0x5eed;

static __always_inline __u32 hash_connection(const struct connection *connection)
{
	const __u32 *words = (const __u32 *)connection;
	__u32 hash = hash_seed;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*connection) / 4; i++) {
		hash += words[i];
		hash += hash << 10;
		hash ^= hash >> 6;
	}
	hash += hash << 3;
	hash ^= hash >> 11;
	hash += hash << 15;
	return hash;
}

static __always_inline __u16 fold_checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int encapsulate(struct xdp_md *ctx, const struct server *server)
{
	struct ethhdr *old_eth, *eth;
	struct iphdr *outer, *inner;
	__u16 inner_length;
	__u32 sum = 0;
	void *end;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	old_eth = (void *)eth + sizeof(*outer);
	outer = (void *)(eth + 1);
	inner = outer + 1;
	if ((void *)(inner + 1) > end)
		return XDP_DROP;

	inner_length = bpf_ntohs(inner->tot_len);
	__builtin_memcpy(eth->h_source, old_eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, server->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);

	outer->version = 4;
	outer->ihl = 5;
	outer->tos = inner->tos;
	outer->tot_len = bpf_htons(inner_length + sizeof(*outer));
	outer->id = 0;
	outer->frag_off = 0;
	outer->ttl = OUTER_TTL;
	outer->protocol = IPPROTO_IPIP;
	outer->check = 0;
	outer->saddr = balancer_address;
	outer->daddr = server->address;
#pragma unroll
	for (unsigned int i = 0; i < sizeof(*outer) / 2; i++)
		sum += ((__u16 *)outer)[i];
	outer->check = fold_checksum(sum);
	return XDP_TX;
}

/* The connection's server: the one it had, else the Maglev table's. */
static __always_inline __u32 choose_server(const struct connection *connection, const struct service *service)
{
	__u32 *known = bpf_map_lookup_elem(&affinity, connection);
	__u32 slot, *chosen, server;

	if (known)
		return *known;
	slot = service->index * MAGLEV_SIZE + hash_connection(connection) % MAGLEV_SIZE;
	chosen = bpf_map_lookup_elem(&maglev, &slot);
	server = chosen ? *chosen : 0;
	bpf_map_update_elem(&affinity, connection, &server, BPF_ANY);
	return server;
}

SEC("xdp")
int balance(struct xdp_md *ctx)
{
	struct cursor cursor = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct ethhdr *eth = take(&cursor, sizeof(*eth));
	struct service_key key = {};
	struct connection connection = {};
	struct service *service;
	struct traffic *traffic;
	struct server *server;
	__u32 server_number;
	struct iphdr *ip;
	__be16 *ports;

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = take_ipv4(&cursor);
	if (!ip || (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return XDP_PASS;
	/* Fragments have no ports to balance by. */
	if (ip->frag_off & bpf_htons(0x3fff))
		return XDP_PASS;
	ports = take(&cursor, 2 * sizeof(*ports));
	if (!ports)
		return XDP_PASS;

	key.address = ip->daddr;
	key.port = ports[1];
	key.protocol = ip->protocol;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		return XDP_PASS;

	connection.saddr = ip->saddr;
	connection.daddr = ip->daddr;
	connection.sport = ports[0];
	connection.dport = ports[1];
	connection.protocol = ip->protocol;
	server_number = choose_server(&connection, service);
	server = bpf_map_lookup_elem(&servers, &server_number);
	if (!server || !server->address)
		return XDP_DROP;

	traffic = bpf_map_lookup_elem(&traffic_by_server, &server_number);
	if (traffic) {
		traffic->packets++;
		traffic->bytes += ctx->data_end - ctx->data;
	}
	return encapsulate(ctx, server);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
