/*
 * How the bench's programs are entered. BENCH(name) starts a function of `data` and `end`, a packet's bounds:
 *
 * - an XDP program by default;
 * - with -DPLAIN, for runtimes without maps and contexts: a program of r1 = memory, r2 = its length;
 * - with -DNATIVE, a C function of the same, for what a compiler of native code reaches.
 */
#ifndef TSBPF_BENCH_H
#define TSBPF_BENCH_H

#include <linux/bpf.h>

#ifdef NATIVE
#define SEC(name)
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#else
#include <bpf/bpf_helpers.h>
#endif

#if defined(NATIVE) || defined(PLAIN)
#define BENCH(name)                                                                                \
	static __always_inline int name##_body(void *data, void *end);                             \
	SEC("xdp") int name(void *data, __u64 length)                                              \
	{                                                                                          \
		return name##_body(data, data + length);                                           \
	}                                                                                          \
	static __always_inline int name##_body(void *data, void *end)
#else
#define BENCH(name)                                                                                \
	static __always_inline int name##_body(void *data, void *end);                             \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		return name##_body((void *)(long)ctx->data, (void *)(long)ctx->data_end);          \
	}                                                                                          \
	static __always_inline int name##_body(void *data, void *end)
#endif

#define LICENSE_GPL char LICENSE[] SEC("license") = "GPL"

#endif
