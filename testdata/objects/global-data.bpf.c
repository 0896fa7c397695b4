// generate: global-data.clang-14.o clang-14
// generate: global-data.clang-19.o clang-19 -mcpu=v3
// generate: global-data.clang-22.o clang-22 -mcpu=v4
// generate: global-data.big-endian.o clang-19 --target=bpfeb -mcpu=v3
/* Global variables in all kinds of sections, static ones and pointers into the middle among them. */
#include "program.h"

struct point {
	__s32 x, y;
};

const volatile __u32 limit = 1000;
const volatile __u8 table[16] = { 0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225 };
static volatile const __u64 step = 0x1122334455667788;
__u64 total = 41;
static __u16 calls = 7;
struct point points[3] = { { 1, -1 }, { 2, -2 }, { 3, -3 } };
bool enabled;
__u64 histogram[32];
__s16 offset SEC(".data.tuning") = -2;
const volatile __u32 secret SEC(".rodata.key") = 0xfeedc0de;
__u32 scratch SEC(".bss.scratch");
__hidden __u32 concealed SEC(".data.concealed") = 5;
enum color;
enum color *paint;

SEC("socket")
int use(struct __sk_buff *skb)
{
	static __u32 runs;
	__u32 at = skb->len & 15;

	if (!enabled)
		return 0;
	runs++;
	calls += 2;
	total += step + table[at];
	histogram[at + 3] += runs;
	points[1].y += offset;
	points[at & 1].x = scratch + secret;
	bpf_printk("run %d of %d", runs, calls);
	concealed++;
	return total > limit && !paint;
}
