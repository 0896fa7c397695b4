// generate: compute.xdp.o clang-19 -mcpu=v3
// generate: compute.plain.o clang-19 -mcpu=v3 -DPLAIN
/* What needs no maps: arithmetic, calls, and walks over packet bytes. Results go into the packet, so that they count. */
#include "bench.h"

#define XDP_VERDICT 2

BENCH(empty)
{
	return XDP_VERDICT;
}

BENCH(alu64)
{
	__u64 *words = data, sum, mix = 0x9e3779b97f4a7c15;

	if ((void *)(words + 2) > end)
		return 0;
	sum = words[1];
#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 500; round++) {
		sum += mix;
		sum ^= sum >> 27;
		sum *= 0x3c79ac492ba7b653;
		sum ^= sum << 13;
		mix += sum;
	}
	words[0] = sum;
	return XDP_VERDICT;
}

BENCH(alu32)
{
	__u32 *words = data, sum, mix = 0x9e3779b9;

	if ((void *)(words + 2) > end)
		return 0;
	sum = words[1];
#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 500; round++) {
		sum += mix;
		sum ^= sum >> 15;
		sum *= 0x2c1b3c6d;
		sum ^= sum << 7;
		mix += sum;
	}
	words[0] = sum;
	return XDP_VERDICT;
}

static __noinline __u64 mix(__u64 a, __u64 b)
{
	a ^= b;
	a *= 0x9e3779b97f4a7c15;
	return a ^ (a >> 29);
}

BENCH(calls_small)
{
	__u64 *words = data, sum;

	if ((void *)(words + 2) > end)
		return 0;
	sum = words[1];
#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 200; round++)
		sum = mix(sum, round);
	words[0] = sum;
	return XDP_VERDICT;
}

#define ROTATE64(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
#define SIP_ROUND(v0, v1, v2, v3)                                                                  \
	do {                                                                                       \
		v0 += v1, v1 = ROTATE64(v1, 13), v1 ^= v0, v0 = ROTATE64(v0, 32);                  \
		v2 += v3, v3 = ROTATE64(v3, 16), v3 ^= v2;                                         \
		v0 += v3, v3 = ROTATE64(v3, 21), v3 ^= v0;                                         \
		v2 += v1, v1 = ROTATE64(v1, 17), v1 ^= v2, v2 = ROTATE64(v2, 32);                  \
	} while (0)

/* Too long to be put in place of its calls: some 150 instructions. */
static __noinline __u64 stir(__u64 a, __u64 b, __u64 c, __u64 d)
{
	SIP_ROUND(a, b, c, d);
	SIP_ROUND(a, b, c, d);
	SIP_ROUND(a, b, c, d);
	SIP_ROUND(a, b, c, d);
	SIP_ROUND(a, b, c, d);
	SIP_ROUND(a, b, c, d);
	return a ^ b ^ c ^ d;
}

BENCH(calls_large)
{
	__u64 *words = data, sum;

	if ((void *)(words + 2) > end)
		return 0;
	sum = words[1];
#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 50; round++)
		sum = stir(sum, round, sum ^ 0x5eed, 0x736f6d65);
	words[0] = sum;
	return XDP_VERDICT;
}

/* The Internet checksum's sum over 1500 bytes, a 16-bit word at a time. */
BENCH(checksum)
{
	__u16 *words = data;
	__u64 sum = 0;

	if (data + 1500 > end)
		return 0;
#pragma clang loop unroll(disable) vectorize(disable)
	for (__u32 word = 4; word < 750; word++)
		sum += words[word];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	words[0] = ~sum;
	return XDP_VERDICT;
}

/* SipHash-2-4 of 64 bytes. */
BENCH(siphash)
{
	__u64 *words = data;
	__u64 v0 = 0x736f6d6570736575, v1 = 0x646f72616e646f6d, v2 = 0x6c7967656e657261, v3 = 0x7465646279746573;

	if ((void *)(words + 9) > end)
		return 0;
#pragma unroll
	for (__u32 word = 1; word < 9; word++) {
		v3 ^= words[word];
		SIP_ROUND(v0, v1, v2, v3);
		SIP_ROUND(v0, v1, v2, v3);
		v0 ^= words[word];
	}
	v3 ^= (__u64)64 << 56;
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	v0 ^= (__u64)64 << 56;
	v2 ^= 0xff;
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	words[0] = v0 ^ v1 ^ v2 ^ v3;
	return XDP_VERDICT;
}

#define ROTATE32(x, bits) ((x) << (bits) | (x) >> (32 - (bits)))
#define QUARTER(a, b, c, d)                                                                        \
	do {                                                                                       \
		a += b, d = ROTATE32(d ^ a, 16), c += d, b = ROTATE32(b ^ c, 12);                  \
		a += b, d = ROTATE32(d ^ a, 8), c += d, b = ROTATE32(b ^ c, 7);                    \
	} while (0)

/* One block of ChaCha20, its state on the stack; the key is in the packet. */
BENCH(chacha)
{
	__u32 *words = data, x[16];

	if ((void *)(words + 28) > end)
		return 0;
	x[0] = 0x61707865, x[1] = 0x3320646e, x[2] = 0x79622d32, x[3] = 0x6b206574;
#pragma unroll
	for (__u32 word = 4; word < 16; word++)
		x[word] = words[word];
#pragma clang loop unroll(disable)
	for (__u32 round = 0; round < 10; round++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
#pragma unroll
	for (__u32 word = 0; word < 12; word++)
		words[16 + word] = x[word + 4] + words[word + 4];
	words[0] = x[0] ^ x[1] ^ x[2] ^ x[3];
	return XDP_VERDICT;
}

/* Counts lines in 1400 bytes, each byte with its own bounds check. */
BENCH(scanner)
{
	__u8 *at = data + 16;
	__u64 lines = 0;

	if (at > (__u8 *)end)
		return 0;
#pragma clang loop unroll(disable) vectorize(disable)
	for (__u32 byte = 0; byte < 1400; byte++) {
		if (at + 1 > (__u8 *)end)
			break;
		if (*at == '\n')
			lines++;
		at++;
	}
	if (data + 8 <= end)
		*(__u64 *)data = lines;
	return XDP_VERDICT;
}

#ifndef NATIVE
LICENSE_GPL;
#endif
