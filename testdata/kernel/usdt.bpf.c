// generate: usdt.bpf.o clang-19 -mcpu=v3 -D__TARGET_ARCH_x86
/* Reads the arguments of a statically defined tracepoint. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char _license[] SEC("license") = "GPL";

__u64 runs;
__u64 cookie;
long arguments[3];
int count;

SEC("usdt")
int on_probe(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&runs, 1);
	cookie = bpf_usdt_cookie(ctx);
	count = bpf_usdt_arg_cnt(ctx);
	for (int i = 0; i < 3; i++)
		bpf_usdt_arg(ctx, i, &arguments[i]);
	return 0;
}
