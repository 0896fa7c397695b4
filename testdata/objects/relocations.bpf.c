// generate: relocations.clang-14.o clang-14
// generate: relocations.clang-19.o clang-19 -mcpu=v3
// generate: relocations.clang-22.o clang-22 -mcpu=v4
/* Compile once, run everywhere: records in programs and in what they call. */
#include "program.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct parent {
	int pid;
	struct {
		char name[16];
		unsigned int nice : 5;
	} details[2];
};

struct task_struct {
	int pid;
	struct parent *real_parent;
};
#pragma clang attribute pop

enum states { STATE_IDLE, STATE_BUSY = 5 };

static __noinline int pid_of(struct task_struct *task)
{
	return task->pid;
}

SEC("tp_btf/sched_switch")
int look(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[1];
	struct parent *parent = task->real_parent;
	int known = __builtin_preserve_type_info(*(struct parent *)0, 0);

	known += __builtin_preserve_field_info(parent->details[1].nice, 2);
	known += __builtin_preserve_enum_value(*(enum states *)STATE_BUSY, 1);
	return known + pid_of(task) + parent->details[1].name[3];
}
