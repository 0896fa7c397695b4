// generate: arena.clang-19.o clang-19 -mcpu=v4
// generate: arena.clang-22.o clang-22 -mcpu=v4
/* Memory shared with user space, with variables in it. */
#include "program.h"

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 16);
} arena SEC(".maps");

int __arena hits = 3;
int __arena misses[4];

SEC("syscall")
int touch(void *ctx)
{
	hits++;
	misses[2] += hits;
	return 0;
}
