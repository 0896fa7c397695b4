// generate: no-sections.clang-19.o clang-19 -g0
/* Code without any SEC(): programs in .text, one of which calls the other. */
__attribute__((noinline)) int twice(int x)
{
	return 2 * x;
}

int entry(void *ctx)
{
	return twice(*(int *)ctx);
}
