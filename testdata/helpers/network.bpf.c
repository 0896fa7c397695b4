/* Lookups in a network that is empty but for its loopback device, which is down, and what tc programs ask of sockets. */
#include "results.h"

#define AF_INET 2
#define AF_INET6 10

SEC("xdp")
int xdp_lookups(struct xdp_md *ctx)
{
	struct bpf_fib_lookup fib = { .family = AF_INET, .ifindex = 1, .ipv4_dst = 0x0200000a };
	struct bpf_sock_tuple tuple = { .ipv4 = { .daddr = 0x0100000a, .dport = 80 } };
	struct bpf_sock *sock;
	__u32 mtu = 0;

	put(0, bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
	put(1, bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_DIRECT));
	put(2, bpf_fib_lookup(ctx, &fib, sizeof(fib), 1 << 10));
	put(3, bpf_fib_lookup(ctx, &fib, sizeof(fib) - 4, 0));
	fib.ifindex = 77;
	put(4, bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
	fib.ifindex = 1;
	fib.family = 3;
	put(5, bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
	fib.family = AF_INET6;
	put(6, bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
	put(7, bpf_check_mtu(ctx, 0, &mtu, 0, 0));
	put(8, mtu);
	put(9, bpf_check_mtu(ctx, 77, &mtu, 0, 0));
	put(10, bpf_check_mtu(ctx, 1, &mtu, 0, 1));
	mtu = 65550;
	put(11, bpf_check_mtu(ctx, 1, &mtu, 0, 0));
	put(12, mtu);
	mtu = 0;
	put(13, bpf_check_mtu(ctx, 1, &mtu, 65536 - 14, 0));
	put(14, bpf_check_mtu(ctx, 1, &mtu, -100, 0));
	sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	put(15, sock != 0);
	if (sock)
		bpf_sk_release(sock);
	sock = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), 0, 0);
	put(16, sock != 0);
	if (sock)
		bpf_sk_release(sock);
	sock = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	put(17, sock != 0);
	if (sock)
		bpf_sk_release(sock);
	return XDP_PASS;
}

SEC("tc")
int tc_sockets(struct __sk_buff *skb)
{
	struct bpf_sock *sock = skb->sk;
	__u32 mtu = 0;

	put(0, bpf_get_socket_cookie(skb) != 0);
	put(1, bpf_get_socket_uid(skb));
	put(2, sock != 0);
	if (sock) {
		put(3, sock->family);
		put(4, sock->state);
		put(5, sock->src_ip4);
		put(6, sock->dst_ip4);
		put(7, sock->bound_dev_if);
		put(10, sock->src_port);
		sock = bpf_sk_fullsock(sock);
		put(11, sock != 0);
		if (sock) {
			put(8, sock->type);
			put(9, sock->protocol);
			put(12, sock->mark);
			put(13, sock->priority);
			put(14, sock->rx_queue_mapping);
			put(15, bpf_tcp_sock(sock) != 0);
			put(16, bpf_get_listener_sock(sock) != 0);
		}
	}
	put(18, bpf_check_mtu(skb, 0, &mtu, 0, 0));
	put(19, mtu);
	put(20, bpf_check_mtu(skb, 0, &mtu, 0, BPF_MTU_CHK_SEGS));
	put(21, bpf_check_mtu(skb, 0, &mtu, 0, 2));
	put(22, bpf_skb_set_tstamp(skb, 5, BPF_SKB_TSTAMP_DELIVERY_MONO));
	put(23, skb->tstamp);
	put(24, skb->tstamp_type);
	put(25, bpf_skb_set_tstamp(skb, 0, BPF_SKB_TSTAMP_DELIVERY_MONO));
	put(26, bpf_skb_set_tstamp(skb, 5, BPF_SKB_TSTAMP_UNSPEC));
	put(27, bpf_skb_set_tstamp(skb, 0, BPF_SKB_TSTAMP_UNSPEC));
	put(28, bpf_skb_set_tstamp(skb, 0, 9));
	put(29, bpf_skb_cgroup_id(skb));
	put(30, bpf_get_netns_cookie(skb) != 0);
	return TC_ACT_OK;
}
