// generate: externs.clang-14.o clang-14
// generate: externs.clang-19.o clang-19 -mcpu=v3
// generate: externs.clang-22.o clang-22 -mcpu=v4
/* What the kernel supplies: configuration, symbols with and without a type, functions; weak ones too. */
#include "program.h"

extern unsigned int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_IPV6 __kconfig __weak;
extern char CONFIG_CC_VERSION_TEXT[32] __kconfig __weak;
extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern __u64 CONFIG_NO_SUCH_THING __kconfig __weak;

struct task_struct;
struct bpf_cpumask;
extern const int no_such_variable __ksym __weak;
extern const void runqueues __ksym __weak;
extern const void schedule __ksym;

extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern int bpf_no_such_function(int x) __ksym __weak;

static __noinline int through_subprogram(int pid)
{
	struct task_struct *task = bpf_task_from_pid(pid);

	if (!task)
		return 0;
	bpf_task_release(task);
	return 1;
}

SEC("tp_btf/sched_switch")
int ask(void *ctx)
{
	int known = LINUX_KERNEL_VERSION > 0x060000 && CONFIG_HZ != 0 && CONFIG_BPF_SYSCALL;

	if (CONFIG_IPV6 == TRI_MODULE || CONFIG_CC_VERSION_TEXT[3] || CONFIG_NO_SUCH_THING)
		known += 2;
	if (&no_such_variable)
		known += 4;
	if (&runqueues)
		known += 8;
	if ((long)&schedule & 1)
		known += 16;
	if (bpf_no_such_function)
		known += bpf_no_such_function(known);
	return known + through_subprogram(1);
}
