/* Checksums, numbers in text, comparison and formatting. */
#include "results.h"

#define ENOUGH 64

static __u32 words[] = { 0x01020304, 0xffffffff, 0x80000000, 0x00000001, 0xdeadbeef, 0x12345678, 0, 0xfffefffd };

SEC("xdp")
int csum_diff(struct xdp_md *ctx)
{
	__u32 zero = 0;

	put(0, bpf_csum_diff(0, 0, words, 4, 0));
	put(1, bpf_csum_diff(words, 4, 0, 0, 0));
	put(2, bpf_csum_diff(0, 0, words, 32, 0));
	put(3, bpf_csum_diff(words, 32, 0, 0, 0));
	put(4, bpf_csum_diff(words, 16, words + 4, 16, 0));
	put(5, bpf_csum_diff(words, 16, words + 4, 16, 0xffffffff));
	put(6, bpf_csum_diff(words, 8, words + 4, 12, 0x12345678));
	put(7, bpf_csum_diff(0, 0, &zero, 4, 0));
	put(8, bpf_csum_diff(&zero, 4, 0, 0, 0));
	put(9, bpf_csum_diff(0, 0, 0, 0, 0));
	put(10, bpf_csum_diff(0, 0, 0, 0, 0x1ffff));
	put(11, bpf_csum_diff(0, 0, words, 2, 0));
	put(12, bpf_csum_diff(words, 3, words, 4, 0));
	put(13, bpf_csum_diff(words, 32, words, 32, 0));
	return XDP_PASS;
}

#define TO_LONG(index, text, flags)                                     \
	{                                                               \
		static const char string[] = text;                      \
		long value = 77;                                        \
		put(2 * index, bpf_strtol(string, sizeof(string), flags, &value)); \
		put(2 * index + 1, value);                              \
	}

SEC("xdp")
int strtol_decimal(struct xdp_md *ctx)
{
	TO_LONG(0, "0", 0)
	TO_LONG(1, "42", 0)
	TO_LONG(2, "-42", 0)
	TO_LONG(3, "  12x", 0)
	TO_LONG(4, "9223372036854775807", 0)
	TO_LONG(5, "9223372036854775808", 0)
	TO_LONG(6, "-9223372036854775808", 0)
	TO_LONG(7, "-9223372036854775809", 0)
	TO_LONG(8, "99999999999999999999", 0)
	TO_LONG(9, "", 0)
	TO_LONG(10, "-", 0)
	TO_LONG(11, "abc", 0)
	TO_LONG(12, "+5", 0)
	TO_LONG(13, "- 5", 0)
	TO_LONG(14, "\t\n7", 0)
	TO_LONG(15, "12", 10)
	TO_LONG(16, "12", 2)
	TO_LONG(17, "12", 32)
	return XDP_PASS;
}

SEC("xdp")
int strtol_bases(struct xdp_md *ctx)
{
	TO_LONG(0, "0x1f", 0)
	TO_LONG(1, "0X1F", 16)
	TO_LONG(2, "1f", 16)
	TO_LONG(3, "0x", 16)
	TO_LONG(4, "0x", 0)
	TO_LONG(5, "0xz", 0)
	TO_LONG(6, "0xz", 16)
	TO_LONG(7, "017", 0)
	TO_LONG(8, "018", 0)
	TO_LONG(9, "089", 8)
	TO_LONG(10, "17", 8)
	TO_LONG(11, "0x10", 10)
	TO_LONG(12, "ffffffffffffffff", 16)
	TO_LONG(13, "00000000000000000000000000000000000000000000000000000000000000000000001", 10)
	return XDP_PASS;
}

#define TO_UNSIGNED(index, text, flags)                                     \
	{                                                                   \
		static const char string[] = text;                          \
		unsigned long value = 77;                                   \
		put(2 * index, bpf_strtoul(string, sizeof(string), flags, &value)); \
		put(2 * index + 1, value);                                  \
	}

SEC("xdp")
int strtoul_any(struct xdp_md *ctx)
{
	TO_UNSIGNED(0, "18446744073709551615", 0)
	TO_UNSIGNED(1, "18446744073709551616", 0)
	TO_UNSIGNED(2, "-1", 0)
	TO_UNSIGNED(3, "-18446744073709551616", 0)
	TO_UNSIGNED(4, "ffffffffffffffff", 16)
	TO_UNSIGNED(5, " 8", 8)
	TO_UNSIGNED(6, "1777777777777777777777", 8)
	return XDP_PASS;
}

#define COMPARE(index, text, length)                                \
	{                                                           \
		static const char other[] = text;                   \
		put(index, bpf_strncmp(own, length, other));        \
	}

SEC("xdp")
int strncmp_any(struct xdp_md *ctx)
{
	char own[8] = "abc";

	COMPARE(0, "abc", 8)
	COMPARE(1, "abd", 8)
	COMPARE(2, "abb", 8)
	COMPARE(3, "ab", 8)
	COMPARE(4, "abcd", 8)
	COMPARE(5, "abcd", 3)
	COMPARE(6, "\xff", 8)
	COMPARE(7, "", 8)
	return XDP_PASS;
}

struct text {
	char string[ENOUGH];
	__s64 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 40);
	__type(key, __u32);
	__type(value, struct text);
} texts SEC(".maps");

static __always_inline struct text *text(__u32 index)
{
	return bpf_map_lookup_elem(&texts, &index);
}

#define PRINT(index, format, ...)                                                            \
	{                                                                                    \
		static const char string[] = format;                                         \
		__u64 args[] = { __VA_ARGS__ };                                              \
		struct text *to = text(index);                                               \
		if (to)                                                                      \
			to->result = bpf_snprintf(to->string, ENOUGH, string, args, sizeof(args)); \
	}

SEC("xdp")
int snprintf_numbers(struct xdp_md *ctx)
{
	PRINT(0, "%d %u %x %X", -5, -5, 255, 0xabc)
	PRINT(1, "%ld %llu %lx %lld", -5, -5, -1, 1ull << 40)
	PRINT(2, "[%5d|%-5d|%05d|%+d|% d]", 42, 42, -42, 42, 42)
	PRINT(3, "%c%c|%5c|", 'a', 'b', 'c')
	PRINT(4, "%px %px", 0x1234, 0)
	PRINT(5, "%20px|%-20px|%px.", 0x1234, 0x1234, -1)
	PRINT(6, "%5c|%-5c|", 'x', 'y')
	PRINT(7, "%08x|%8x|%-8x|%x", 1, 2, 3, 4)
	PRINT(8, "%08lx|%+5u|% x", 0xabcdef, 7, 8)
	PRINT(9, "%i %li", -3, -3)
	PRINT(10, "%020d|%-020d|", -3, -3)
	PRINT(11, "%05c|", 'x')
	PRINT(12, "100%% %d", 1)
	PRINT(13, "%ps %20pS|%pB", 0x1234, 0x1234, 0x1234)
	PRINT(14, "%d %d %d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	PRINT(15, "%064d and what does not fit any more", 1)
	PRINT(16, "%pK", 0)
	PRINT(17, "%+d %+ld % ld %-+6d|", -1, 1, -1, 5)
	return XDP_PASS;
}

SEC("xdp")
int snprintf_pointers(struct xdp_md *ctx)
{
	__u8 address[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	char string[8] = "hello";
	__u64 at = (long)address, text_at = (long)string;

	/* Written to, so that they are in memory. */
	asm volatile("" : "+m"(address), "+m"(string));
	PRINT(0, "%pI4 %pi4", at, at)
	PRINT(1, "%pI6", at)
	PRINT(2, "%pi6", at)
	PRINT(3, "%pI6c|%pI4x!", at, at)
	PRINT(4, "%20pI4|%-20pi4|", at, at)
	PRINT(5, "%s|%10s|%-8s|%2s", text_at, text_at, text_at, text_at)
	PRINT(6, "%pks|%08s", text_at, text_at)
	PRINT(7, "%s|%pI4", 0, 0)
	return XDP_PASS;
}
