// generate: elf-maps.clang-14.o clang-14 -g0
// generate: elf-maps.clang-19.o clang-19
/* Maps and tail calls as iproute2 has them: ids, pin namespaces, maps of maps, programs in sections `id/slot`. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static void (*tail_call)(void *ctx, void *map, __u32 slot) = (void *)BPF_FUNC_tail_call;

struct bpf_elf_map SEC("maps") calls = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 8,
	.id = 2,
	.pinning = 1,
	.inner_idx = -1,
};

struct bpf_elf_map SEC("maps") shared = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 32,
	.pinning = 2,
	.inner_idx = -1,
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 1,
	.id = 7,
	.inner_idx = 3,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.inner_id = 7,
	.inner_idx = -1,
};

struct ____btf_map_shared {
	__u32 key;
	__u64 value;
};
struct ____btf_map_shared SEC(".maps.shared") ____btf_map_shared = {};

char _license[] SEC("license") = "GPL";

SEC("classifier")
int entry(struct __sk_buff *skb)
{
	__u32 key = 0;

	if (lookup(&shared, &key) || lookup(&outer, &key))
		tail_call(skb, &calls, 5);
	tail_call(skb, &calls, 0x6);
	return -1;
}

SEC("2/5")
int fifth(struct __sk_buff *skb)
{
	return 5;
}

SEC("2/0x6")
int sixth(struct __sk_buff *skb)
{
	return 6;
}
