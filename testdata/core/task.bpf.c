// generate: task.clang-22.o clang-22 -mcpu=v3
//
// Reads the running task through types that have nothing of the kernel's layout.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define relocatable __attribute__((preserve_access_index))

struct nsproxy___mine {
	void *net_ns;
} relocatable;

struct task_struct___mine {
	char comm[4];
	int tgid;
	int no_such_member;
	struct nsproxy___mine *nsproxy;
} relocatable;

int tgid;
char comm[16];
_Bool has_namespaces;
_Bool has_no_such_member;

SEC("raw_tp/sys_enter")
int read_task(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct___mine *task = (void *)bpf_get_current_task();

	tgid = BPF_CORE_READ(task, tgid);
	bpf_core_read_str(comm, sizeof(comm), &task->comm);
	has_namespaces = BPF_CORE_READ(task, nsproxy, net_ns) != 0;
	has_no_such_member = bpf_core_field_exists(task->no_such_member);
	if (has_no_such_member)
		tgid = BPF_CORE_READ(task, no_such_member);
	return 0;
}

SEC("?raw_tp/sys_enter")
int unguarded(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct___mine *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, no_such_member);
}

char _license[] SEC("license") = "GPL";
