// generate: arena.bpf.o clang-19 -mcpu=v4
/* Memory shared with user space, with variables in it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, 16);
} arena SEC(".maps");

int __arena hits = 3;
int __arena table[4];

SEC("syscall")
int touch(void *ctx)
{
	hits++;
	table[2] += hits;
	return hits;
}
