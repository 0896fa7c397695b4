/* XDP programs that are loaded for one device: into its hardware, or to read what it says about frames. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

__u64 runs;
/* What the device said about the last frame: 0, or a negative errno. */
int timestamp_error = 1;
__u64 timestamp;

int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;

SEC("xdp")
int read_timestamp(struct xdp_md *ctx)
{
	timestamp_error = bpf_xdp_metadata_rx_timestamp(ctx, &timestamp);
	__sync_fetch_and_add(&runs, 1);
	return XDP_PASS;
}
