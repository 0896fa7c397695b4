/* Programs for every tracing hook, for a host on which the caller says what happens. */
// generate: tracing.bpf.o clang-19 -mcpu=v3 -D__TARGET_ARCH_x86
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct inode {
	unsigned long i_ino;
};
struct file {
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};
struct mm_struct {
	struct file *exe_file;
};
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct task_struct *real_parent;
};
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
};
#pragma clang attribute pop

struct result {
	__u64 runs;
	__u64 cookie;
	__u64 ip;
	__u64 arguments;
	__u64 first;
	__u64 second;
	__u64 returned;
	__s64 error;
	char text[16];
};

struct result at_tracepoint, at_raw, at_typed, at_kprobe, at_kretprobe, at_fentry, at_fexit, at_modify, at_lsm, at_uprobe,
	at_sample, at_session;

SEC("tracepoint/syscalls/sys_enter_openat")
int on_tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	at_tracepoint.runs++;
	at_tracepoint.cookie = bpf_get_attach_cookie(ctx);
	at_tracepoint.first = ctx->id;
	at_tracepoint.second = ctx->args[2];
	bpf_probe_read_user_str(at_tracepoint.text, sizeof(at_tracepoint.text), (void *)ctx->args[1]);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int on_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];

	at_raw.runs++;
	at_raw.first = ctx->args[1];
	bpf_probe_read_kernel(&at_raw.second, 4, &task->pid);
	bpf_probe_read_kernel_str(at_raw.text, sizeof(at_raw.text), task->comm);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_typed, struct task_struct *task, int old_pid)
{
	at_typed.runs++;
	at_typed.first = task->pid;
	at_typed.second = task->real_parent->pid;
	/* Nothing behind it: the kernel makes 0 of that, and so does a Machine. */
	at_typed.returned = task->mm->exe_file->f_inode->i_ino;
	at_typed.cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(on_kprobe, int dfd, void *name)
{
	at_kprobe.runs++;
	at_kprobe.first = dfd;
	at_kprobe.second = (__u64)name;
	at_kprobe.ip = bpf_get_func_ip(ctx);
	at_kprobe.cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(on_kretprobe, int returned)
{
	at_kretprobe.runs++;
	at_kretprobe.returned = returned;
	return 0;
}

SEC("fentry/bpf_fentry_test2")
int BPF_PROG(on_fentry, int a, __u64 b)
{
	at_fentry.runs++;
	at_fentry.first = a;
	at_fentry.second = b;
	at_fentry.arguments = bpf_get_func_arg_cnt(ctx);
	at_fentry.ip = bpf_get_func_ip(ctx);
	at_fentry.error = bpf_get_func_arg(ctx, 7, &at_fentry.returned);
	return 0;
}

SEC("fexit/bpf_fentry_test2")
int BPF_PROG(on_fexit, int a, __u64 b, int returned)
{
	at_fexit.runs++;
	at_fexit.first = returned;
	at_fexit.error = bpf_get_func_ret(ctx, &at_fexit.returned);
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(on_modify, int a, int *b, int returned)
{
	at_modify.runs++;
	return a == 1 ? -22 : 0;
}

SEC("lsm/file_open")
int BPF_PROG(on_file_open, struct file *file)
{
	at_lsm.runs++;
	at_lsm.first = file->f_flags;
	at_lsm.second = file->f_inode->i_ino;
	return file->f_inode->i_ino == 13 ? -1 : 0;
}

SEC("uprobe")
int on_uprobe(struct pt_regs *ctx)
{
	at_uprobe.runs++;
	at_uprobe.first = PT_REGS_PARM1(ctx);
	at_uprobe.cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	at_sample.runs++;
	at_sample.first = ctx->sample_period;
	at_sample.ip = PT_REGS_IP(&ctx->regs);
	at_sample.error = bpf_get_stack(ctx, at_sample.text, sizeof(at_sample.text), 0);
	return 0;
}

extern _Bool bpf_session_is_return(void) __ksym __weak;

SEC("kprobe.session/do_unlinkat")
int on_session(void *ctx)
{
	at_session.runs++;
	if (bpf_session_is_return())
		at_session.returned++;
	return at_session.runs > 2;
}

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	bpf_seq_write(ctx->meta->seq, &task->tgid, sizeof(task->tgid));
	static const char format[] = " %d %s\n";
	__u64 args[] = { task->pid, (__u64)task->comm };
	bpf_seq_printf(ctx->meta->seq, format, sizeof(format), args, sizeof(args));
	return 0;
}
