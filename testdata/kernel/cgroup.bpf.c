/* Programs for hooks of control groups beyond those of network.bpf.c; each changes what a process sees. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define MARKED_PORT 4242

__u64 released;

SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	return 0;
}

SEC("cgroup/post_bind4")
int post_bind(struct bpf_sock *ctx)
{
	return ctx->src_port != MARKED_PORT;
}

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&released, 1);
	return 1;
}

SEC("cgroup/sendmsg4")
int sendmsg(struct bpf_sock_addr *ctx)
{
	return ctx->user_port != bpf_htons(MARKED_PORT);
}

SEC("cgroup/recvmsg4")
int recvmsg(struct bpf_sock_addr *ctx)
{
	ctx->user_port = bpf_htons(MARKED_PORT);
	return 1;
}

SEC("cgroup/getpeername4")
int getpeername(struct bpf_sock_addr *ctx)
{
	ctx->user_port = bpf_htons(MARKED_PORT);
	return 1;
}

SEC("cgroup/getsockname4")
int getsockname(struct bpf_sock_addr *ctx)
{
	ctx->user_port = bpf_htons(MARKED_PORT);
	return 1;
}

SEC("cgroup/connect_unix")
int connect_unix(struct bpf_sock_addr *ctx)
{
	return 0;
}

SEC("cgroup/getsockopt")
int getsockopt(struct bpf_sockopt *ctx)
{
	return ctx->level != 1 /* SOL_SOCKET */ || ctx->optname != 12 /* SO_PRIORITY */;
}
