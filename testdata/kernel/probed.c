/*
 * A process with a statically defined tracepoint, made as <sys/sdt.h> makes them: a nop, and a note that says where it is
 * and where its arguments are. Passes the probe when it reads a line, if somebody watches.
 */
#include <stdio.h>

__attribute__((section(".probes"), used)) unsigned short watchers;

__attribute__((noinline)) static void pass(int first, long second)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"
			 ".balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n"
			 "991: .asciz \"stapsdt\"\n"
			 "992: .balign 4\n"
			 "993: .8byte 990b\n"
			 ".8byte _.stapsdt.base\n"
			 ".8byte watchers\n"
			 ".asciz \"tsbpf\"\n"
			 ".asciz \"passed\"\n"
			 ".asciz \"-4@%%edi 8@%%rsi 4@$77\"\n"
			 "994: .balign 4\n"
			 ".popsection\n"
			 ".ifndef _.stapsdt.base\n"
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
			 ".weak _.stapsdt.base\n"
			 ".hidden _.stapsdt.base\n"
			 "_.stapsdt.base: .space 1\n"
			 ".size _.stapsdt.base, 1\n"
			 ".popsection\n"
			 ".endif\n" ::"D"(first), "S"(second));
}

int main(void)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin)) {
		pass(-3, 1L << 40);
		printf("%d\n", *(volatile unsigned short *)&watchers);
		fflush(stdout);
	}
	return 0;
}
