// generate: struct-ops.clang-19.o clang-19 -mcpu=v3
// generate: struct-ops.clang-22.o clang-22 -mcpu=v4
/* A congestion control of its own: a kernel interface implemented by programs. */
#include "program.h"

struct sock;
struct rate_sample;

struct tcp_congestion_ops___small {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
};

SEC("struct_ops/ssthresh")
__u32 slow_start(unsigned long long *ctx)
{
	return 2;
}

SEC("struct_ops")
void avoid(unsigned long long *ctx)
{
}

SEC("struct_ops")
__u32 undo(unsigned long long *ctx)
{
	return 10;
}

SEC(".struct_ops")
struct tcp_congestion_ops___small timid = {
	.ssthresh = (void *)slow_start,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "tsbpf_timid",
	.flags = 3,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops___small bold = {
	.ssthresh = (void *)slow_start,
	.undo_cwnd = (void *)undo,
	.name = "tsbpf_bold",
};
