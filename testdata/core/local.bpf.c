// generate: local.clang-14.o clang-14 -mcpu=v2
// generate: local.clang-22.o clang-22 -mcpu=v3
//
// What a program was compiled against; target.bpf.c has the same types as another kernel might. Each function asks for
// one kind of thing and stores what it gets, so that every relocation is an instruction of its own.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define relocatable __attribute__((preserve_access_index))

struct pair {
	int first;
	int second;
} relocatable;

struct moved {
	unsigned int id;
	unsigned long cookie;
	struct pair pair;
	char comm[16];
	struct pair pairs[4];
	void *pointer;
	union {
		unsigned int inside;
		unsigned char bytes[4];
	};
	unsigned int grows;
	unsigned long shrinks;
	int signed_grows;
	int gone;
	unsigned short tail[];
} relocatable;

struct bits {
	unsigned int low : 3;
	unsigned int middle : 7;
	int negative : 5;
	unsigned long : 0;
	unsigned long wide : 32;
	unsigned char whole;
} relocatable;

struct flavored___old {
	int old_name;
} relocatable;

struct flavored___new {
	long new_name;
} relocatable;

struct only_here {
	int x;
} relocatable;

union choice {
	int number;
	long other;
} relocatable;

typedef struct {
	int member;
} relocatable anonymous_t;

typedef int (*callback_t)(struct pair *, long);

enum color { RED = 1, GREEN = 2, LOST = 3 };
enum sign { MINUS = -2, PLUS = 2 };
enum top { TOP = 0x80000000u };
#if __clang_major__ > 14
enum big { BIG = 0x100000001ull, BIGGER = 0x8000000000000001ull };
#endif

struct matching {
	int a;
	struct pair *link;
	enum sign sign;
} relocatable;

struct not_matching {
	int a;
	char length[4];
} relocatable;

struct twice {
	int agreed;
	int disputed;
} relocatable;

volatile long out;
volatile unsigned long gate;

SEC("raw_tp/offsets")
int offsets(struct bpf_raw_tracepoint_args *ctx)
{
	struct moved *moved = (void *)ctx->args[0];
	union choice *choice = (void *)ctx->args[1];
	anonymous_t *anonymous = (void *)ctx->args[2];

	out = (long)__builtin_preserve_access_index(&moved->id) - (long)moved;
	out = bpf_core_field_offset(moved->cookie);
	out = bpf_core_field_offset(moved->pair.second);
	out = bpf_core_field_offset(moved->comm[3]);
	out = bpf_core_field_offset(moved->pairs[2].second);
	out = bpf_core_field_offset(moved->inside);
	out = bpf_core_field_offset(moved->bytes[1]);
	out = bpf_core_field_offset(moved->tail[5]);
	out = bpf_core_field_offset(moved[1].pair);
	out = bpf_core_field_offset(choice->other);
	out = bpf_core_field_offset(anonymous->member);
	return 0;
}

SEC("raw_tp/sizes")
int sizes(struct bpf_raw_tracepoint_args *ctx)
{
	struct moved *moved = (void *)ctx->args[0];

	out = bpf_core_field_size(moved->id);
	out = bpf_core_field_size(moved->comm);
	out = bpf_core_field_size(moved->pairs[1]);
	out = bpf_core_field_size(moved->grows);
	out = bpf_core_field_size(moved->shrinks);
	out = bpf_core_field_exists(moved->id);
	out = bpf_core_field_exists(moved->gone);
	out = bpf_core_field_exists(((struct only_here *)moved)->x);
	out = bpf_core_field_exists(moved->pairs[3].first);
	return 0;
}

SEC("raw_tp/bitfields")
int bitfields(struct bpf_raw_tracepoint_args *ctx)
{
	struct bits *bits = (void *)ctx->args[0];

	out = BPF_CORE_READ_BITFIELD(bits, low);
	out = BPF_CORE_READ_BITFIELD(bits, middle);
	out = BPF_CORE_READ_BITFIELD(bits, negative);
	out = BPF_CORE_READ_BITFIELD(bits, wide);
	out = BPF_CORE_READ_BITFIELD(bits, whole);
	return 0;
}

SEC("raw_tp/loads")
int loads(struct bpf_raw_tracepoint_args *ctx)
{
	struct moved *moved = (void *)ctx->args[0];

	out = moved->id;
	out = moved->cookie;
	out = moved->pairs[3].first;
	out = (long)moved->pointer;
	out = moved->grows;
	out = moved->shrinks;
	moved->id = gate;
	moved->grows = gate;
	moved->pair.second = 7;
	if (gate & 1)
		out = moved->signed_grows;
	if (gate & 2)
		out = moved->gone;
	return 0;
}

SEC("raw_tp/flavors")
int flavors(struct bpf_raw_tracepoint_args *ctx)
{
	struct flavored___old *old = (void *)ctx->args[0];
	struct flavored___new *new = (void *)ctx->args[0];

	if (bpf_core_field_exists(new->new_name))
		out = new->new_name;
	else
		out = old->old_name;
	out = bpf_core_type_exists(struct flavored___old);
	return 0;
}

SEC("raw_tp/types")
int types(struct bpf_raw_tracepoint_args *ctx)
{
	out = bpf_core_type_id_local(struct moved);
	out = bpf_core_type_id_kernel(struct moved);
	out = bpf_core_type_id_kernel(struct only_here);
	out = bpf_core_type_exists(struct moved);
	out = bpf_core_type_exists(struct only_here);
	out = bpf_core_type_exists(union choice);
	out = bpf_core_type_exists(anonymous_t);
	out = bpf_core_type_exists(callback_t);
	out = bpf_core_type_exists(enum color);
	out = bpf_core_type_size(struct moved);
	out = bpf_core_type_size(struct only_here);
	return 0;
}

SEC("raw_tp/enumerators")
int enumerators(struct bpf_raw_tracepoint_args *ctx)
{
	out = bpf_core_enum_value_exists(enum color, GREEN);
	out = bpf_core_enum_value_exists(enum color, LOST);
	out = bpf_core_enum_value(enum color, GREEN);
	out = bpf_core_enum_value(enum sign, MINUS);
	if (gate & 1)
		out = bpf_core_enum_value(enum color, LOST);
#if __clang_major__ > 14
	out = bpf_core_enum_value(enum big, BIG);
	out = bpf_core_enum_value(enum big, BIGGER);
#endif
	return 0;
}

// libbpf does not take this: it reads the enumerator as a negative number.
SEC("?raw_tp/unsigned_enumerator")
int unsigned_enumerator(struct bpf_raw_tracepoint_args *ctx)
{
	out = bpf_core_enum_value(enum top, TOP);
	return 0;
}

#if __clang_major__ > 14
SEC("raw_tp/matches")
int matches(struct bpf_raw_tracepoint_args *ctx)
{
	out = bpf_core_type_matches(struct matching);
	out = bpf_core_type_matches(struct not_matching);
	out = bpf_core_type_matches(struct pair);
	out = bpf_core_type_matches(enum color);
	out = bpf_core_type_matches(enum sign);
	out = bpf_core_type_matches(callback_t);
	out = bpf_core_type_matches(struct only_here);
	return 0;
}
#endif

SEC("raw_tp/agreed")
int agreed(struct bpf_raw_tracepoint_args *ctx)
{
	struct twice *twice = (void *)ctx->args[0];

	out = bpf_core_field_offset(twice->agreed);
	return 0;
}

SEC("?raw_tp/disputed")
int disputed(struct bpf_raw_tracepoint_args *ctx)
{
	struct twice *twice = (void *)ctx->args[0];

	out = bpf_core_field_offset(twice->disputed);
	return 0;
}

char _license[] SEC("license") = "GPL";
