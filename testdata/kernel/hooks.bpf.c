/*
 * Programs for hooks that not every kernel lets programs attach to (kprobes, fentry, fexit, fmod_ret, LSM, freplace,
 * actions of tc), for what lwt_in and lwt_out see, and for what test runs do with a context.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

const volatile __u32 target_pid;

__u64 runs;
__u64 returns;
__u64 last_cookie;
__u64 last_sum;

static __always_inline void count(__u64 *counter)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_pid)
		__sync_fetch_and_add(counter, 1);
}

SEC("kprobe/__x64_sys_getppid")
int on_call(void *ctx)
{
	count(&runs);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("kretprobe/__x64_sys_getppid")
int on_return(void *ctx)
{
	count(&returns);
	return 0;
}

SEC("kprobe.multi")
int on_calls(void *ctx)
{
	count(&runs);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

/* Functions that the kernel has for trying this: test runs of fentry and fmod_ret programs call them. */
SEC("fentry/bpf_fentry_test1")
int on_entry(void *ctx)
{
	count(&runs);
	return 0;
}

SEC("fexit/bpf_fentry_test1")
int on_exit(void *ctx)
{
	count(&returns);
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int on_result(void *ctx)
{
	count(&returns);
	return 0;
}

SEC("lsm/file_open")
int on_open(void *ctx)
{
	count(&runs);
	return 0;
}

/* What replacement() takes the place of. */
__attribute__((noinline)) int replaceable(struct __sk_buff *skb)
{
	volatile int result = 1;

	return skb ? result : 0;
}

SEC("tc")
int calls_replaceable(struct __sk_buff *skb)
{
	return replaceable(skb);
}

SEC("freplace/replaceable")
int replacement(struct __sk_buff *skb)
{
	return 42;
}

SEC("action")
int act(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, 1);
	return TC_ACT_SHOT;
}

SEC("lwt_in")
int lwt_in_drop(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, 1);
	return BPF_DROP;
}

SEC("lwt_out")
int lwt_out_drop(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, 1);
	return BPF_DROP;
}

SEC("lwt_xmit")
int lwt_xmit_pass(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, 1);
	return BPF_OK;
}

/* Twice at each call of a function: as it is called and as it returns; the cookie goes from one to the other. */
__u64 *bpf_session_cookie(void) __ksym __weak;
_Bool bpf_session_is_return(void) __ksym __weak;

SEC("uprobe.session")
int on_session(void *ctx)
{
	__u64 *cookie = bpf_session_cookie();

	if (bpf_session_is_return()) {
		count(&returns);
		last_cookie = *cookie;
		return 0;
	}
	count(&runs);
	*cookie = 1000 + runs;
	return 0;
}

SEC("raw_tp/sys_enter")
int sum_arguments(struct bpf_raw_tracepoint_args *ctx)
{
	last_sum = ctx->args[0] + ctx->args[1];
	return 7;
}

struct request {
	__u32 a;
	__u32 b;
	__u64 sum;
};

SEC("syscall")
int answer(struct request *request)
{
	request->sum = (__u64)request->a + request->b;
	return 3;
}

int bpf_stream_vprintk_impl(int stream, const char *format, const void *arguments, __u32 length, void *aux) __ksym
	__weak;

/* Writes to the program's own output and error streams. */
SEC("syscall")
int say(void *ctx)
{
	static const char format[] = "said %d\n";
	static const char complaint[] = "complained\n";
	__u64 arguments[1] = { 42 };

	if (!bpf_stream_vprintk_impl)
		return 1;
	return bpf_stream_vprintk_impl(1, format, arguments, sizeof(arguments), NULL) ?:
	       bpf_stream_vprintk_impl(2, complaint, arguments, 0, NULL);
}
