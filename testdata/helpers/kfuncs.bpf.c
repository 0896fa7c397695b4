/* Kernel functions: numeric iterators, dynptrs to packets, exceptions, sections. */
#include <stdbool.h>
#include "results.h"

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer, __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer, __u32 size) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *ptr, __u32 start, __u32 end) __ksym;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *ptr) __ksym;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *ptr) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *ptr) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *ptr, struct bpf_dynptr *clone) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_throw(__u64 cookie) __ksym;
extern void bpf_no_such_function(void) __ksym __weak;

SEC("xdp")
int iterators(struct xdp_md *ctx)
{
	struct bpf_iter_num it;
	int sum = 0, *next;

	put(0, bpf_iter_num_new(&it, 3, 7));
	while ((next = bpf_iter_num_next(&it)))
		sum += *next;
	bpf_iter_num_destroy(&it);
	put(1, sum);
	put(2, bpf_iter_num_new(&it, 7, 3));
	put(3, bpf_iter_num_next(&it) != 0);
	bpf_iter_num_destroy(&it);
	put(4, bpf_iter_num_new(&it, 0, (1 << 23) + 1));
	bpf_iter_num_destroy(&it);
	put(5, bpf_iter_num_new(&it, -2, 1));
	sum = 100;
	while ((next = bpf_iter_num_next(&it)))
		sum += *next;
	bpf_iter_num_destroy(&it);
	put(6, sum);
	put(7, bpf_iter_num_new(&it, 5, 5));
	put(8, bpf_iter_num_next(&it) != 0);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}

SEC("xdp")
int xdp_dynptr(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr, clone;
	__u8 buffer[8], *slice, bytes[4] = { 1, 2, 3, 4 };

	put(0, bpf_dynptr_from_xdp(ctx, 0, &ptr));
	put(1, bpf_dynptr_size(&ptr));
	slice = bpf_dynptr_slice(&ptr, 54, buffer, 4);
	put(2, slice ? slice[0] : -1);
	put(3, bpf_dynptr_slice(&ptr, 58, buffer, 4) != 0);
	slice = bpf_dynptr_slice_rdwr(&ptr, 54, buffer, 4);
	if (slice)
		slice[0] = 99;
	put(4, bpf_dynptr_read(buffer, 4, &ptr, 54, 0));
	put(5, buffer[0]);
	put(6, bpf_dynptr_write(&ptr, 55, bytes, 4, 0));
	put(7, bpf_dynptr_write(&ptr, 55, bytes, 4, 1));
	put(8, bpf_dynptr_write(&ptr, 58, bytes, 4, 0));
	put(9, bpf_dynptr_clone(&ptr, &clone));
	put(10, bpf_dynptr_adjust(&ptr, 14, 34));
	put(11, bpf_dynptr_size(&ptr));
	put(12, bpf_dynptr_size(&clone));
	put(13, bpf_dynptr_adjust(&ptr, 10, 21));
	put(14, bpf_dynptr_adjust(&ptr, 10, 9));
	slice = bpf_dynptr_slice(&ptr, 0, buffer, 1);
	put(15, slice ? slice[0] : -1);
	put(16, bpf_dynptr_is_null(&ptr));
	put(17, bpf_dynptr_is_rdonly(&ptr));
	put(18, bpf_dynptr_from_xdp(ctx, 1, &clone));
	put(19, bpf_dynptr_is_null(&clone));
	put(20, bpf_dynptr_size(&clone));
	put(21, bpf_dynptr_data(&ptr, 0, 4) != 0);
	return XDP_PASS;
}

SEC("tc")
int skb_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;
	__u8 buffer[8], *slice, bytes[4] = { 1, 2, 3, 4 };

	put(0, bpf_dynptr_from_skb(skb, 0, &ptr));
	put(1, bpf_dynptr_size(&ptr));
	put(2, bpf_dynptr_is_rdonly(&ptr));
	slice = bpf_dynptr_slice(&ptr, 26, buffer, 4);
	put(3, slice ? slice[0] : -1);
	put(4, bpf_dynptr_write(&ptr, 56, bytes, 4, 0));
	put(5, bpf_dynptr_write(&ptr, 56, bytes, 4, BPF_F_INVALIDATE_HASH));
	put(6, bpf_dynptr_write(&ptr, 56, bytes, 4, 4));
	put(7, bpf_dynptr_write(&ptr, 57, bytes, 4, 0));
	put(8, bpf_dynptr_read(buffer, 8, &ptr, 52, 0));
	put(9, buffer[7]);
	return TC_ACT_OK;
}

SEC("socket")
int read_only_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;
	__u8 buffer[8], *slice, bytes[4] = {};

	put(0, bpf_dynptr_from_skb(skb, 0, &ptr));
	put(1, bpf_dynptr_size(&ptr));
	put(2, bpf_dynptr_is_rdonly(&ptr));
	put(3, bpf_dynptr_write(&ptr, 0, bytes, 4, 0));
	slice = bpf_dynptr_slice(&ptr, 12, buffer, 4);
	put(4, slice ? slice[0] : -1);
	return 0;
}

SEC("tc")
int throws(struct __sk_buff *skb)
{
	put(0, 1);
	if (skb->len > 20)
		bpf_throw(5);
	put(1, 1);
	return 7;
}

SEC("xdp")
int sections(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	put(0, 1);
	bpf_rcu_read_unlock();
	if (bpf_no_such_function)
		bpf_no_such_function();
	put(1, bpf_no_such_function != 0);
	return XDP_PASS;
}
