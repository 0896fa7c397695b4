/* Objects of a program's own types, iterators and strings; what comes of it is in a map. */
// generate: objects.bpf.o clang-19 -mcpu=v3
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

/* Debian's headers are older than these. */
struct bpf_list_head {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	__u64 __opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	__u64 __opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
	__u32 __opaque[1];
} __attribute__((aligned(4)));

extern void *bpf_obj_new_impl(__u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			       _Bool(less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta,
			       __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(bpf_core_type_id_local(type), 0))
#define bpf_obj_drop(object) bpf_obj_drop_impl(object, 0)
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(type *)0, 0)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

static __always_inline void put(__u32 index, __s64 value)
{
	__s64 *slot = bpf_map_lookup_elem(&results, &index);

	if (slot)
		*slot = value;
}

struct item {
	__u64 number;
	struct bpf_list_node link;
};

private(A) struct bpf_spin_lock list_lock;
private(A) struct bpf_list_head list __contains(item, link);

SEC("tc")
int lists(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	int i;

	for (i = 0; i < 6; i++) {
		struct item *item = bpf_obj_new(struct item);

		if (!item)
			return 1;
		item->number = i;
		bpf_spin_lock(&list_lock);
		if (i & 1)
			bpf_list_push_back_impl(&list, &item->link, 0, 0);
		else
			bpf_list_push_front_impl(&list, &item->link, 0, 0);
		bpf_spin_unlock(&list_lock);
	}
	for (i = 0; i < 7; i++) {
		bpf_spin_lock(&list_lock);
		node = i & 1 ? bpf_list_pop_back(&list) : bpf_list_pop_front(&list);
		bpf_spin_unlock(&list_lock);
		if (!node) {
			put(i, -1);
			continue;
		}
		struct item *item = container_of(node, struct item, link);

		put(i, item->number);
		bpf_obj_drop(item);
	}
	return 0;
}

struct leaf {
	__u64 key;
	__u64 order;
	struct bpf_rb_node node;
	struct bpf_refcount references;
};

private(B) struct bpf_spin_lock tree_lock;
private(B) struct bpf_rb_root tree __contains(leaf, node);

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, node)->key < container_of(b, struct leaf, node)->key;
}

SEC("tc")
int trees(struct __sk_buff *skb)
{
	static const __u64 keys[] = { 5, 3, 9, 3, 7, 1, 9, 0 };
	int i;

	for (i = 0; i < 8; i++) {
		struct leaf *leaf = bpf_obj_new(struct leaf), *again;

		if (!leaf)
			return 1;
		leaf->key = keys[i & 7];
		leaf->order = i;
		again = bpf_refcount_acquire_impl(leaf, 0);
		bpf_spin_lock(&tree_lock);
		bpf_rbtree_add_impl(&tree, &leaf->node, less, 0, 0);
		bpf_spin_unlock(&tree_lock);
		if (!again)
			continue;
		put(20 + i, again->key);
		bpf_obj_drop(again);
	}
	for (i = 0; i < 9; i++) {
		struct bpf_rb_node *node;
		struct leaf *leaf;

		bpf_spin_lock(&tree_lock);
		node = bpf_rbtree_first(&tree);
		if (!node) {
			bpf_spin_unlock(&tree_lock);
			put(i, -1);
			continue;
		}
		node = bpf_rbtree_remove(&tree, node);
		bpf_spin_unlock(&tree_lock);
		if (!node)
			return 2;
		leaf = container_of(node, struct leaf, node);
		put(i, leaf->key * 100 + leaf->order);
		bpf_obj_drop(leaf);
	}
	return 0;
}

struct kept {
	__u64 number;
};

struct slot {
	struct kept __kptr *kept;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

SEC("tc")
int pointers(struct __sk_buff *skb)
{
	__u32 key = 1;
	struct slot *slot = bpf_map_lookup_elem(&slots, &key);
	struct kept *kept, *before;

	if (!slot)
		return 1;
	kept = bpf_obj_new(struct kept);
	if (!kept)
		return 2;
	kept->number = skb->len;
	before = bpf_kptr_xchg(&slot->kept, kept);
	put(0, before ? before->number : -1);
	if (before)
		bpf_obj_drop(before);
	return 0;
}

struct bpf_iter_bits {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const __u64 *from, __u32 words) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

SEC("tc")
int bits(struct __sk_buff *skb)
{
	__u64 words[2] = { 0x8000000000000005ull, 0x11 };
	struct bpf_iter_bits it;
	int *bit, count = 0;

	put(40, bpf_iter_bits_new(&it, words, 2));
	while ((bit = bpf_iter_bits_next(&it))) {
		put(count & 31, *bit);
		count++;
	}
	bpf_iter_bits_destroy(&it);
	put(41, bpf_iter_bits_new(&it, words, 0));
	put(42, bpf_iter_bits_next(&it) != 0);
	bpf_iter_bits_destroy(&it);
	put(43, bpf_iter_bits_new(&it, words, 512));
	bpf_iter_bits_destroy(&it);
	return count;
}

extern int bpf_strlen(const char *text) __ksym;
extern int bpf_strnlen(const char *text, __u64 count) __ksym;
extern int bpf_strchr(const char *text, char character) __ksym;
extern int bpf_strnchr(const char *text, __u64 count, char character) __ksym;
extern int bpf_strchrnul(const char *text, char character) __ksym;
extern int bpf_strrchr(const char *text, int character) __ksym;
extern int bpf_strspn(const char *text, const char *accept) __ksym;
extern int bpf_strcspn(const char *text, const char *reject) __ksym;
extern int bpf_strcmp(const char *first, const char *second) __ksym;
extern int bpf_strcasecmp(const char *first, const char *second) __ksym;
extern int bpf_strstr(const char *text, const char *wanted) __ksym;
extern int bpf_strnstr(const char *text, const char *wanted, __u64 count) __ksym;

const char text[] = "hello world";
const char upper[] = "HELLO WORLD";
const char part[] = "o w";
const char set[] = "ehlo";
const char none[] = "xyz";
const char empty[] = "";

SEC("tc")
int strings(struct __sk_buff *skb)
{
	put(0, bpf_strlen(text));
	put(1, bpf_strlen(empty));
	put(2, bpf_strnlen(text, 5));
	put(3, bpf_strnlen(text, 50));
	put(4, bpf_strchr(text, 'o'));
	put(5, bpf_strchr(text, 'z'));
	put(6, bpf_strchr(text, 0));
	put(7, bpf_strnchr(text, 4, 'o'));
	put(8, bpf_strnchr(text, 5, 'o'));
	put(9, bpf_strnchr(text, 11, 0));
	put(10, bpf_strnchr(text, 12, 0));
	put(11, bpf_strchrnul(text, 'z'));
	put(12, bpf_strchrnul(text, 'w'));
	put(13, bpf_strrchr(text, 'o'));
	put(14, bpf_strrchr(text, 'z'));
	put(15, bpf_strrchr(text, 0));
	put(16, bpf_strspn(text, set));
	put(17, bpf_strcspn(text, part));
	put(18, bpf_strcspn(text, none));
	put(19, bpf_strcmp(text, text));
	put(20, bpf_strcmp(text, upper));
	put(21, bpf_strcmp(upper, text));
	put(22, bpf_strcasecmp(text, upper));
	put(23, bpf_strcmp(empty, text));
	put(24, bpf_strstr(text, part));
	put(25, bpf_strstr(text, none));
	put(26, bpf_strstr(text, empty));
	put(27, bpf_strnstr(text, part, 6));
	put(28, bpf_strnstr(text, part, 7));
	put(29, bpf_strnstr(text, part, 20));
	put(30, bpf_strnstr(text, empty, 3));
	put(31, bpf_strcspn(text, empty));
	put(32, bpf_strspn(empty, text));
	put(33, bpf_strlen((void *)8));
	return 0;
}

extern int bpf_dynptr_memset(struct bpf_dynptr *to, __u32 offset, __u32 size, __u8 value) __ksym __weak;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *to) __ksym;

SEC("tc")
int fill(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;

	put(0, bpf_dynptr_from_skb(skb, 0, &packet));
	put(1, bpf_dynptr_memset(&packet, 2, 4, 0xab));
	put(2, bpf_dynptr_memset(&packet, 10, 60000, 1));
	put(3, bpf_dynptr_memset(&packet, skb->len, 0, 1));
	return 0;
}

struct bpf_res_spin_lock {
	__u32 __opaque[1];
} __attribute__((aligned(4)));
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym __weak;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym __weak;

struct guarded {
	struct bpf_res_spin_lock lock;
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct guarded);
} guarded SEC(".maps");

SEC("tc")
int locks(struct __sk_buff *skb)
{
	__u32 one = 1, other = skb->len & 1;
	struct guarded *first = bpf_map_lookup_elem(&guarded, &one);
	struct guarded *second = bpf_map_lookup_elem(&guarded, &other);
	int error;

	if (!first || !second)
		return 1;
	error = bpf_res_spin_lock(&first->lock);
	if (error)
		return 2;
	first->count++;
	/* The same one for packets of an odd length: that is told, not waited for. */
	error = bpf_res_spin_lock(&second->lock);
	if (!error) {
		second->count += 100;
		bpf_res_spin_unlock(&second->lock);
	}
	bpf_res_spin_unlock(&first->lock);
	put(1, error);
	return error ? 3 : 0;
}

extern int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size, const void *from) __ksym __weak;
extern int bpf_probe_read_kernel_str_dynptr(struct bpf_dynptr *to, __u32 offset, __u32 size, const void *from) __ksym __weak;

SEC("tc")
int reads(struct __sk_buff *skb)
{
	static __u8 room[32];
	struct bpf_dynptr memory;
	__u32 key = 0;
	__s64 *found = bpf_map_lookup_elem(&results, &key);
	int i;

	if (!found)
		return 1;
	put(0, 0x0102030405060708);
	put(20, bpf_dynptr_from_mem(room, sizeof(room), 0, &memory));
	put(21, bpf_probe_read_kernel_dynptr(&memory, 4, 8, found));
	put(22, bpf_probe_read_kernel_dynptr(&memory, 28, 8, found));
	put(23, bpf_probe_read_kernel_dynptr(&memory, 0, 0, found));
	put(24, bpf_probe_read_kernel_str_dynptr(&memory, 12, 6, text));
	put(25, bpf_probe_read_kernel_str_dynptr(&memory, 20, 12, text));
	put(26, bpf_probe_read_kernel_str_dynptr(&memory, 30, 12, text));
	put(27, bpf_probe_read_kernel_str_dynptr(&memory, 0, 0, text));
	put(28, bpf_probe_read_kernel_str_dynptr(&memory, 0, 4, empty));
	for (i = 0; i < 32; i++)
		put(32 + i, room[i & 31]);
	return 0;
}
