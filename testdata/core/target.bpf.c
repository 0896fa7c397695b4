// generate: target.clang-22.o clang-22 -mcpu=v3
//
// The types of local.bpf.c as another kernel might have them; only the BTF of this object is used, as a target.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	int between;
	int first;
	int second;
};

struct moved {
	long prefix;
	char comm[32];
	struct {
		long deeper;
		union {
			int other;
			struct {
				unsigned char bytes[8];
				unsigned int inside;
			};
		};
	};
	const unsigned int id;
	volatile unsigned int cookie;
	struct pair pair;
	struct pair pairs[8];
	const void *pointer;
	unsigned long grows;
	unsigned int shrinks;
	long signed_grows;
	unsigned short tail[];
};

struct bits {
	long prefix;
	unsigned long wide : 37;
	unsigned int middle : 9;
	unsigned int low;
	long negative : 12;
	unsigned int whole : 4;
};

struct flavored {
	char pad[24];
	int new_name;
};

union choice {
	long other;
	char pad[64];
};

typedef struct {
	long pad;
	int member;
} anonymous_t;

typedef int (*callback_t)(struct pair *, long);

enum color { ZERO, RED, PURPLE, GREEN };
enum sign { MINUS = -7, PLUS = 7 };
enum top { BOTTOM, TOP = 0x90000000u };
enum big { BIG = 0x300000002ull, BIGGER = 0x9000000000000002ull };

struct matching {
	long more;
	struct pair *link;
	enum sign sign;
	int a;
};

struct not_matching {
	int a;
	char length[8];
};

struct twice {
	int agreed;
	int disputed;
};

struct twice___other {
	int agreed;
	int between;
	int disputed;
};

#define use(type, name) type *name(type *x) { return x; }
use(struct moved, a)
use(struct bits, b)
use(struct flavored, c)
use(union choice, d)
use(anonymous_t, e)
use(callback_t, f)
use(enum color, g)
use(enum sign, h)
use(enum top, i)
use(enum big, j)
use(struct matching, k)
use(struct not_matching, l)
use(struct twice, m)
use(struct twice___other, n)
