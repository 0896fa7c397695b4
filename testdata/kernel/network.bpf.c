/* Programs for every network hook, each of which leaves a trace that a test can see. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define MARKED_PORT 4242

/* Runs of the program that a test has attached. */
__u64 runs;
/* What xdp_verdict and socket_verdict return. */
__u32 verdict = XDP_PASS;

static __always_inline void count(void)
{
	__sync_fetch_and_add(&runs, 1);
}

/* Only the tests' own frames count: a device that comes up sends some by itself. */
static __always_inline bool is_marked(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	return (void *)(udp + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_UDP &&
	       udp->dest == bpf_htons(MARKED_PORT);
}

SEC("xdp")
int xdp_verdict(struct xdp_md *ctx)
{
	if (!is_marked((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	count();
	return verdict;
}

/* Sends the frame back with the first byte changed. */
SEC("xdp")
int xdp_echo(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if (!is_marked(data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	data[0] = 0x5a;
	count();
	return XDP_TX;
}

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int xdp_to_socket(struct xdp_md *ctx)
{
	if (!is_marked((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	count();
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

SEC("tc")
int tc_drop(struct __sk_buff *skb)
{
	if (!is_marked((void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	count();
	return TC_ACT_SHOT;
}

SEC("socket")
int socket_verdict(struct __sk_buff *skb)
{
	count();
	return verdict == 0 ? 0 : skb->len;
}

SEC("cgroup_skb/egress")
int cgroup_egress(struct __sk_buff *skb)
{
	count();
	return 0;
}

SEC("cgroup/connect4")
int cgroup_connect(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port != bpf_htons(MARKED_PORT))
		return 1;
	count();
	ctx->user_port = bpf_htons(MARKED_PORT + 1);
	return 1;
}

SEC("cgroup/bind4")
int cgroup_bind(struct bpf_sock_addr *ctx)
{
	count();
	return ctx->user_port != bpf_htons(MARKED_PORT);
}

SEC("cgroup/sock_create")
int cgroup_sock_create(struct bpf_sock *ctx)
{
	count();
	return ctx->type != 2 /* SOCK_DGRAM */;
}

SEC("cgroup/sysctl")
int cgroup_sysctl(struct bpf_sysctl *ctx)
{
	count();
	return !ctx->write;
}

SEC("cgroup/setsockopt")
int cgroup_setsockopt(struct bpf_sockopt *ctx)
{
	count();
	return ctx->level != 1 /* SOL_SOCKET */ || ctx->optname != 12 /* SO_PRIORITY */;
}

SEC("cgroup/dev")
int cgroup_device(struct bpf_cgroup_dev_ctx *ctx)
{
	count();
	return !(ctx->major == 1 && ctx->minor == 5) /* /dev/zero */;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

/* Every port goes to the one listener. */
SEC("sk_lookup")
int to_listener(struct bpf_sk_lookup *ctx)
{
	__u32 zero = 0;
	struct bpf_sock *sk;
	long error;

	if (ctx->local_port != MARKED_PORT)
		return SK_PASS;
	sk = bpf_map_lookup_elem(&listeners, &zero);
	if (!sk)
		return SK_DROP;
	error = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	count();
	return error ? SK_DROP : SK_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} group SEC(".maps");

/* Always the second socket. */
SEC("sk_reuseport")
int to_second(struct sk_reuseport_md *ctx)
{
	__u32 second = 1;

	count();
	return bpf_sk_select_reuseport(ctx, &group, &second, 0) ? SK_DROP : SK_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

SEC("sk_msg")
int sk_msg_redirect(struct sk_msg_md *msg)
{
	__u32 target = 1;

	count();
	return bpf_msg_redirect_hash(msg, &streams, &target, BPF_F_INGRESS);
}

SEC("sk_skb/stream_verdict")
int sk_skb_verdict(struct __sk_buff *skb)
{
	__u32 target = 1;

	count();
	return bpf_sk_redirect_hash(skb, &streams, &target, 0);
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		count();
	return 1;
}

SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	count();
	return BPF_OK;
}

/* What <linux/bpf.h> doesn't have: the context is the kernel's own struct. */
struct bpf_nf_ctx;

SEC("netfilter")
int netfilter_drop(struct bpf_nf_ctx *ctx)
{
	count();
	return 0 /* NF_DROP */;
}

SEC("lwt_xmit")
int lwt_drop(struct __sk_buff *skb)
{
	count();
	return BPF_DROP;
}
