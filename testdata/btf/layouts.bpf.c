// generate: layouts.clang-14.o clang-14 -mcpu=v2
// generate: layouts.clang-22.o clang-22 -mcpu=v3
//
// Types that are hard to lay out and to spell; all are kept by a variable each.
#include <linux/types.h>

struct plain {
	char c;
	int i;
	short s;
	long l;
	_Bool b;
};

struct packed {
	char c;
	int i;
	long l;
} __attribute__((packed));

struct packed_and_aligned {
	char c;
	long l;
	int i;
} __attribute__((packed, aligned(4)));

struct aligned {
	int i;
} __attribute__((aligned(64)));

struct around {
	char c;
	struct packed packed;
	struct packed_and_aligned mixed;
	struct aligned aligned;
	char end;
};

struct bits {
	unsigned a : 3;
	unsigned b : 30;
	int : 4;
	int c : 5;
	unsigned long d : 40;
	_Bool e : 1;
	unsigned char f : 7;
	unsigned char g;
	int : 0;
	unsigned short h : 9;
	unsigned long : 0;
	unsigned long i : 64;
};

struct packed_bits {
	unsigned a : 3;
	unsigned b : 30;
	unsigned long c : 60;
	char d;
	int e : 20;
} __attribute__((packed));

union mixed {
	char c;
	int bits : 5;
	struct {
		long l;
		char tail;
	};
	struct {
		int first;
		union {
			int inner;
			float real;
		};
	} named[2];
};

union packed_union {
	int i;
	char c[7];
} __attribute__((packed));

struct empty {};

struct flexible {
	int length;
	struct empty nothing;
	char data[];
};

struct list {
	struct list *next, **previous;
	struct unknown *unknown;
	union elsewhere *elsewhere;
	const struct list *const *volatile pointers[3];
};

typedef int (*callback)(const char *text, void (*done)(int, ...), struct list *list[4]);
typedef callback (*factory)(callback, int (*)[5]);
typedef struct {
	callback call;
	factory *make;
	int (*(*table[2])(void))(long);
	int *restrict limited;
} pointers_t;

enum small { SMALL_A, SMALL_B = 200 } __attribute__((packed));
enum negative { NEGATIVE = -1, POSITIVE = 2147483647 };
enum large { LARGE = 4294967295u };
#if __clang_major__ > 14
enum huge { HUGE = 1ull << 63, HUGER = ~0ull };
enum minimum { MINIMUM = -9223372036854775807ll - 1 };
#endif

struct numbers {
	char character;
	signed char small;
	unsigned char byte;
	__int128 wide;
	unsigned __int128 unsigned_wide;
	float single;
	double real;
	enum small tiny;
	enum negative negative;
	enum large large;
#if __clang_major__ > 14
	enum huge huge;
	enum minimum minimum;
#endif
	enum { INNER_A, INNER_B = 5 } inner;
	int matrix[2][3][4];
	volatile const int *volatile pointer;
};

#define tag(text) __attribute__((btf_type_tag(text)))

struct tags {
	int tag("user") *plain;
	const struct list tag("rcu") *structure;
	int tag("outer") *tag("inner") *twice;
};

struct list_user {
	struct list by_value;
	pointers_t pointers;
	struct {
		struct {
			int deep;
		};
		struct {
			int deeper;
		} named;
	};
};

#define keep(type, name) type name
keep(struct plain, a) = {};
keep(struct around, b) = {};
keep(struct bits, c) = {};
keep(struct packed_bits, d) = {};
keep(union mixed, e) = {};
keep(union packed_union, f) = {};
keep(struct flexible, g) = {};
keep(struct list_user, h) = {};
keep(struct numbers, i) = {};
keep(struct tags, j) = {};
