/* Two congestion controls that do little: one in force by a link, one by its map's value. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops")
__u32 on_loss(unsigned long long *ctx)
{
	return 2;
}

SEC("struct_ops")
void on_ack(unsigned long long *ctx)
{
}

SEC("struct_ops")
__u32 on_undo(unsigned long long *ctx)
{
	return 10;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops by_link = {
	.ssthresh = (void *)on_loss,
	.cong_avoid = (void *)on_ack,
	.undo_cwnd = (void *)on_undo,
	.name = "tsbpf_by_link",
};

SEC(".struct_ops")
struct tcp_congestion_ops by_value = {
	.ssthresh = (void *)on_loss,
	.cong_avoid = (void *)on_ack,
	.undo_cwnd = (void *)on_undo,
	.name = "tsbpf_by_value",
};
