/* What the verifier refuses: a packet is read without asking whether it is that long. docs/why-the-kernel-says-no.md */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("xdp")
int no_bounds_check(struct xdp_md *ctx)
{
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);

	return ip->saddr == 0 ? XDP_DROP : XDP_PASS;
}
