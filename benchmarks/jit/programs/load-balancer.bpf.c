// generate: load-balancer.xdp.o clang-19 -mcpu=v3
/*
 * The example's load balancer, which after each run takes the outer header away again: runs of a test share one packet,
 * which would grow until no header fits any more.
 */
#include "../../../examples/load-balancer/load-balancer.bpf.c"

SEC("xdp") int balance_again(struct xdp_md *ctx)
{
	int verdict = balance(ctx);
	struct ethhdr *eth;

	if (verdict != XDP_TX || bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)))
		return verdict;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) <= (void *)(long)ctx->data_end)
		eth->h_proto = bpf_htons(ETH_P_IP);
	return verdict;
}
