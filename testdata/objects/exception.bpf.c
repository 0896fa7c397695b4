// generate: exception.clang-19.o clang-19 -mcpu=v3
/* An exception callback, which nothing but a tag names. */
#include "program.h"

extern void bpf_throw(__u64 cookie) __ksym;

__noinline int on_throw(__u64 cookie)
{
	return cookie > 7;
}

SEC("tc")
__attribute__((btf_decl_tag("exception_callback:on_throw")))
int throws(struct __sk_buff *skb)
{
	if (skb->len > 100)
		bpf_throw(skb->len);
	return 0;
}
