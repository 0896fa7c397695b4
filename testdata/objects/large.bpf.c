// generate: large.o clang-19 -mcpu=v3
/*
 * A program of about 5,000 instructions in 40 subprograms, with the types and source lines of all of it: what loading is
 * measured on.
 */
#include "program.h"
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

/* A stage keeps its own counters, of its own type, in its own map. */
#define STAGE(n)                                                                                                       \
	struct stage_##n {                                                                                             \
		__u64 packets, bytes;                                                                                  \
		union {                                                                                                \
			struct {                                                                                       \
				__u32 saddr, daddr;                                                                    \
				__u16 sport, dport;                                                                    \
			} v4_##n;                                                                                      \
			__u8 raw_##n[12];                                                                              \
		} last;                                                                                                \
		enum { STAGE_##n##_IDLE, STAGE_##n##_BUSY = n } state;                                                 \
	};                                                                                                             \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(max_entries, 16 + n);                                                                           \
		__type(key, __u32);                                                                                    \
		__type(value, struct stage_##n);                                                                       \
	} stage_map_##n SEC(".maps");                                                                                  \
	const volatile __u32 limit_##n = n;                                                                            \
	__u64 seen_##n;                                                                                                \
	static __noinline int run_stage_##n(__u32 a, __u32 b, __u32 c)                                                 \
	{                                                                                                              \
		__u32 key = (a ^ b ^ c) & 15;                                                                          \
		struct stage_##n *stage = bpf_map_lookup_elem(&stage_map_##n, &key);                                   \
		if (!stage)                                                                                            \
			return 0;                                                                                      \
		a = mix(a, b, c + n);                                                                                  \
		b = mix(b, c, a);                                                                                      \
		c = mix(c, a, b);                                                                                      \
		stage->packets++;                                                                                      \
		stage->bytes += a & 0xffff;                                                                            \
		stage->last.v4_##n.saddr = a;                                                                          \
		stage->last.v4_##n.daddr = b;                                                                          \
		stage->last.v4_##n.sport = c;                                                                          \
		stage->state = c > limit_##n ? STAGE_##n##_BUSY : STAGE_##n##_IDLE;                                    \
		seen_##n += c;                                                                                         \
		return (a + b + c) & 0xff;                                                                             \
	}

static __always_inline __u32 rotate(__u32 word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static __always_inline __u32 mix(__u32 a, __u32 b, __u32 c)
{
	a -= c;
	a ^= rotate(c, 4);
	c += b;
	b -= a;
	b ^= rotate(a, 6);
	a += c;
	c -= b;
	c ^= rotate(b, 8);
	b += a;
	return a ^ b ^ c;
}

#define STAGES(x) \
	x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15) x(16) \
	x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24) x(25) x(26) x(27) x(28) x(29) x(30) x(31) x(32) \
	x(33) x(34) x(35) x(36) x(37) x(38) x(39) x(40)

STAGES(STAGE)

static __always_inline int run(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	int sum = 0;

	if ((void *)(udp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
#define RUN(n) sum += run_stage_##n(ip->saddr, ip->daddr, udp->source ^ sum);
	STAGES(RUN)
	return sum;
}

SEC("xdp")
int large_xdp(struct xdp_md *ctx)
{
	return run((void *)(long)ctx->data, (void *)(long)ctx->data_end) & 1 ? XDP_PASS : XDP_DROP;
}
