// generate: kernel.bpf.o clang-19 -mcpu=v3
/* What programs ask the kernel about itself: CPU sets, tasks, storage on them, work that runs later. For TEST_RUN. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(type *)0, 0)

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} __attribute__((preserve_access_index));
struct cpumask {
	unsigned long bits[1];
} __attribute__((preserve_access_index));
struct bpf_cpumask {
	struct cpumask cpumask;
} __attribute__((preserve_access_index));

extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first_zero(const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first_and(const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_clear_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_and_set_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_and_clear_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_setall(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_clear(struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_and(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_or(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_xor(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_equal(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_intersects(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_subset(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_empty(const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_full(const struct cpumask *mask) __ksym;
extern void bpf_cpumask_copy(struct bpf_cpumask *to, const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_weight(const struct cpumask *mask) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void *bpf_percpu_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_percpu_obj_drop_impl(void *object, void *meta) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

__s64 results[64];
int wanted_pid;

static __always_inline const struct cpumask *cast(struct bpf_cpumask *mask)
{
	return (const struct cpumask *)mask;
}

SEC("syscall")
int cpumasks(void *ctx)
{
	struct bpf_cpumask *a = bpf_cpumask_create(), *b, *again;
	int at = 0;

	if (!a)
		return 1;
	b = bpf_cpumask_create();
	if (!b) {
		bpf_cpumask_release(a);
		return 2;
	}
	results[0] = bpf_cpumask_empty(cast(a));
	results[1] = bpf_cpumask_first_zero(cast(a));
	bpf_cpumask_set_cpu(1, a);
	results[2] = bpf_cpumask_first(cast(a));
	results[3] = bpf_cpumask_test_cpu(1, cast(a)) * 2 + bpf_cpumask_test_cpu(0, cast(a));
	results[4] = bpf_cpumask_test_and_set_cpu(0, b);
	results[5] = bpf_cpumask_test_and_set_cpu(0, b);
	results[6] = bpf_cpumask_intersects(cast(a), cast(b));
	bpf_cpumask_or(a, cast(a), cast(b));
	results[7] = bpf_cpumask_weight(cast(a));
	results[8] = bpf_cpumask_subset(cast(b), cast(a)) * 2 + bpf_cpumask_subset(cast(a), cast(b));
	results[9] = bpf_cpumask_and(a, cast(a), cast(b));
	results[10] = bpf_cpumask_equal(cast(a), cast(b));
	bpf_cpumask_xor(a, cast(a), cast(b));
	results[11] = bpf_cpumask_empty(cast(a));
	bpf_cpumask_setall(a);
	results[12] = bpf_cpumask_full(cast(a));
	results[13] = bpf_cpumask_weight(cast(a));
	results[14] = bpf_cpumask_test_and_clear_cpu(0, a);
	results[15] = bpf_cpumask_first(cast(a));
	results[16] = bpf_cpumask_first_and(cast(a), cast(b)) < 2;
	bpf_cpumask_copy(b, cast(a));
	results[17] = bpf_cpumask_equal(cast(a), cast(b));
	bpf_cpumask_clear(b);
	results[18] = bpf_cpumask_weight(cast(b));
	results[19] = bpf_cpumask_test_cpu(1 << 20, cast(a));
	bpf_cpumask_clear_cpu(1, a);
	results[20] = bpf_cpumask_weight(cast(a));
	again = bpf_cpumask_acquire(a);
	bpf_cpumask_set_cpu(1, again);
	results[21] = cast(a)->bits[0];
	bpf_cpumask_release(again);
	bpf_cpumask_release(a);
	bpf_cpumask_release(b);
	return at;
}

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} on_tasks SEC(".maps");

SEC("syscall")
int storage(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 initial = 5, *value;

	results[0] = bpf_task_storage_get(&on_tasks, task, 0, 0) != 0;
	value = bpf_task_storage_get(&on_tasks, task, &initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
	results[1] = value ? *value : -1;
	if (value)
		*value = 7;
	value = bpf_task_storage_get(&on_tasks, task, &initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
	results[2] = value ? *value : -1;
	results[3] = bpf_task_storage_get(&on_tasks, task, 0, 8) != 0;
	results[4] = bpf_task_storage_delete(&on_tasks, task);
	results[5] = bpf_task_storage_delete(&on_tasks, task);
	return 0;
}

SEC("syscall")
int tasks(void *ctx)
{
	struct task_struct *current = bpf_get_current_task_btf(), *task, *again;

	results[0] = current->tgid == wanted_pid;
	results[1] = current->pid == (__u32)bpf_get_current_pid_tgid();
	task = bpf_task_from_pid(wanted_pid);
	results[2] = task != 0;
	if (!task)
		return 1;
	results[3] = task->pid == wanted_pid;
	again = bpf_task_acquire(task);
	if (again) {
		results[4] = again->tgid == wanted_pid;
		bpf_task_release(again);
	}
	bpf_task_release(task);
	task = bpf_task_from_pid(0x3ffffff0);
	results[5] = task != 0;
	if (task)
		bpf_task_release(task);
	return 0;
}

struct counter {
	__u64 number;
};

struct holder {
	struct counter __percpu_kptr *counter;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct holder);
} holders SEC(".maps");

SEC("syscall")
int per_cpu(void *ctx)
{
	struct counter __percpu_kptr *object = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct counter), 0);
	struct counter *each;
	__u32 key = 0;
	struct holder *holder = bpf_map_lookup_elem(&holders, &key);

	if (!object)
		return 1;
	if (!holder) {
		bpf_percpu_obj_drop_impl(object, 0);
		return 2;
	}
	object = bpf_kptr_xchg(&holder->counter, object);
	if (object)
		bpf_percpu_obj_drop_impl(object, 0);
	bpf_rcu_read_lock();
	object = holder->counter;
	if (object) {
		each = bpf_per_cpu_ptr(object, 0);
		if (each)
			each->number = 10;
		each = bpf_per_cpu_ptr(object, 1);
		if (each)
			each->number = 11;
		each = bpf_per_cpu_ptr(object, 1 << 20);
		results[0] = each != 0;
		each = bpf_this_cpu_ptr(object);
		results[1] = each->number == 10 + bpf_get_smp_processor_id();
	}
	bpf_rcu_read_unlock();
	return 0;
}
