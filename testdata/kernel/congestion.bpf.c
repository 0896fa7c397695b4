/* A congestion control that counts: a kernel interface implemented by programs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*init)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
};

__u64 connections;
__u64 acknowledgements;

SEC("struct_ops")
void on_init(unsigned long long *ctx)
{
	__sync_fetch_and_add(&connections, 1);
}

SEC("struct_ops")
__u32 on_loss(unsigned long long *ctx)
{
	return 2;
}

SEC("struct_ops")
void on_ack(unsigned long long *ctx)
{
	__sync_fetch_and_add(&acknowledgements, 1);
}

SEC("struct_ops")
__u32 on_undo(unsigned long long *ctx)
{
	return 10;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops linked = {
	.init = (void *)on_init,
	.ssthresh = (void *)on_loss,
	.cong_avoid = (void *)on_ack,
	.undo_cwnd = (void *)on_undo,
	.name = "tsbpf_linked",
};

SEC(".struct_ops")
struct tcp_congestion_ops written = {
	.init = (void *)on_init,
	.ssthresh = (void *)on_loss,
	.cong_avoid = (void *)on_ack,
	.undo_cwnd = (void *)on_undo,
	.name = "tsbpf_written",
};
