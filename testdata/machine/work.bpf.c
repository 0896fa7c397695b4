// generate: work.bpf.o clang-19 -mcpu=v3
/* Work that runs later, in a map's value. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct bpf_wq {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int(callback)(void *map, int *key, void *value),
				    unsigned int flags, void *aux) __ksym;

struct work {
	__u64 asked;
	struct bpf_wq queue;
	__u64 done;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

static int on_work(void *map, int *key, void *value)
{
	struct work *work = value;

	work->done += 10 + *key;
	return 0;
}

SEC("tc")
int ask(struct __sk_buff *skb)
{
	__u32 key = 2;
	struct work *work = bpf_map_lookup_elem(&works, &key);
	int error;

	if (!work)
		return 1;
	work->asked++;
	error = bpf_wq_init(&work->queue, &works, 0);
	if (error && work->asked == 1)
		return 2;
	if (bpf_wq_set_callback_impl(&work->queue, on_work, 0, 0))
		return 3;
	if (bpf_wq_start(&work->queue, 1) != -22)
		return 4;
	bpf_wq_start(&work->queue, 0);
	return error ? 10 : 0;
}
