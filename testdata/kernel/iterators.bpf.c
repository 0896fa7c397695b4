/* One program for each kind of BPF iterator: each writes numbers (u64) or text that a test can find. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

/* Of the kernel's structs only what is read here; the rest is found by CO-RE. */
struct bpf_map {
	__u32 id;
};

struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct bpf_link {
	__u32 id;
};

struct task_struct {
	int pid;
};

struct vm_area_struct {
	unsigned long vm_start;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct kallsym_iter {
	char name[512];
};

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct inet_sock {
	struct sock sk;
};

struct udp_sock {
	struct inet_sock inet;
};

struct unix_sock {
	struct sock sk;
};

struct netlink_sock {
	struct sock sk;
	__u32 portid;
};

struct rt6key {
	int plen;
};

struct fib6_info {
	struct rt6key fib6_dst;
};

struct kmem_cache {
	unsigned int object_size;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

struct bpf_iter__bpf_link {
	struct bpf_iter_meta *meta;
	struct bpf_link *link;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct bpf_iter__cgroup {
	struct bpf_iter_meta *meta;
	struct cgroup *cgroup;
};

struct bpf_iter__ksym {
	struct bpf_iter_meta *meta;
	struct kallsym_iter *ksym;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
};

struct bpf_iter__unix {
	struct bpf_iter_meta *meta;
	struct unix_sock *unix_sk;
};

struct bpf_iter__netlink {
	struct bpf_iter_meta *meta;
	struct netlink_sock *sk;
};

struct bpf_iter__ipv6_route {
	struct bpf_iter_meta *meta;
	struct fib6_info *rt;
};

struct bpf_iter__sockmap {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	struct sock *sk;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

struct bpf_iter__kmem_cache {
	struct bpf_iter_meta *meta;
	struct kmem_cache *s;
};

struct dma_buf;

struct bpf_iter__dmabuf {
	struct bpf_iter_meta *meta;
	struct dma_buf *dmabuf;
};

#pragma clang attribute pop

static __always_inline int number(struct bpf_iter_meta *meta, __u64 value)
{
	bpf_seq_write(meta->seq, &value, sizeof(value));
	return 0;
}

SEC("iter/bpf_map")
int walk_maps(struct bpf_iter__bpf_map *ctx)
{
	__auto_type map = ctx->map;

	return map ? number(ctx->meta, map->id) : 0;
}

SEC("iter/bpf_prog")
int walk_programs(struct bpf_iter__bpf_prog *ctx)
{
	__auto_type prog = ctx->prog;

	return prog ? number(ctx->meta, prog->aux->id) : 0;
}

SEC("iter/bpf_link")
int walk_links(struct bpf_iter__bpf_link *ctx)
{
	__auto_type link = ctx->link;

	return link ? number(ctx->meta, link->id) : 0;
}

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	__auto_type task = ctx->task;

	return task ? number(ctx->meta, task->pid) : 0;
}

SEC("iter/task_file")
int walk_files(struct bpf_iter__task_file *ctx)
{
	__auto_type task = ctx->task;

	return task ? number(ctx->meta, ctx->fd) : 0;
}

SEC("iter/task_vma")
int walk_memory(struct bpf_iter__task_vma *ctx)
{
	__auto_type vma = ctx->vma;

	return vma ? number(ctx->meta, vma->vm_start) : 0;
}

SEC("iter/cgroup")
int walk_cgroups(struct bpf_iter__cgroup *ctx)
{
	__auto_type cgroup = ctx->cgroup;

	return cgroup ? number(ctx->meta, cgroup->kn->id) : 0;
}

SEC("iter/ksym")
int walk_symbols(struct bpf_iter__ksym *ctx)
{
	static const char format[] = "%s\n";
	struct kallsym_iter *symbol = ctx->ksym;
	__u64 arguments[1];

	if (!symbol)
		return 0;
	arguments[0] = (__u64)(long)&symbol->name;
	bpf_seq_printf(ctx->meta->seq, format, sizeof(format), arguments, sizeof(arguments));
	return 0;
}

SEC("iter/tcp")
int walk_tcp(struct bpf_iter__tcp *ctx)
{
	__auto_type sk_common = ctx->sk_common;

	return sk_common ? number(ctx->meta, sk_common->skc_num) : 0;
}

SEC("iter/udp")
int walk_udp(struct bpf_iter__udp *ctx)
{
	__auto_type udp_sk = ctx->udp_sk;

	return udp_sk ? number(ctx->meta, udp_sk->inet.sk.__sk_common.skc_num) : 0;
}

SEC("iter/unix")
int walk_unix(struct bpf_iter__unix *ctx)
{
	__auto_type unix_sk = ctx->unix_sk;

	return unix_sk ? number(ctx->meta, unix_sk->sk.__sk_common.skc_family) : 0;
}

SEC("iter/netlink")
int walk_netlink(struct bpf_iter__netlink *ctx)
{
	__auto_type sk = ctx->sk;

	return sk ? number(ctx->meta, sk->sk.sk_protocol) : 0;
}

SEC("iter/ipv6_route")
int walk_routes(struct bpf_iter__ipv6_route *ctx)
{
	__auto_type rt = ctx->rt;

	return rt ? number(ctx->meta, rt->fib6_dst.plen) : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

SEC("iter/sockmap")
int walk_sockets(struct bpf_iter__sockmap *ctx)
{
	__u32 *key = ctx->key;

	return key && ctx->sk ? number(ctx->meta, *key) : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

SEC("iter/bpf_sk_storage_map")
int walk_storage(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	__u64 *value = ctx->value;

	return value ? number(ctx->meta, *value) : 0;
}

SEC("iter/kmem_cache")
int walk_caches(struct bpf_iter__kmem_cache *ctx)
{
	__auto_type s = ctx->s;

	return s ? number(ctx->meta, s->object_size) : 0;
}

SEC("iter/dmabuf")
int walk_buffers(struct bpf_iter__dmabuf *ctx)
{
	__auto_type dmabuf = ctx->dmabuf;

	return dmabuf ? number(ctx->meta, 1) : 0;
}
