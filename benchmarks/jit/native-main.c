/* Times one of `programs`, which engines.mjs writes in front of this: NAME RUNS; prints nanoseconds a run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	static unsigned char packet[1514];
	unsigned long runs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	for (unsigned at = 0; at < sizeof(packet); at++)
		packet[at] = at * 7;
	for (unsigned at = 0; runs != 0 && at < sizeof(programs) / sizeof(*programs); at++) {
		int (*volatile run)(void *, unsigned long) = programs[at].run;
		double start;

		if (strcmp(programs[at].name, argv[1]) != 0)
			continue;
		for (unsigned long time = 0; time < runs / 4; time++)
			run(packet, sizeof(packet));
		start = now();
		for (unsigned long time = 0; time < runs; time++)
			run(packet, sizeof(packet));
		printf("%f\n", (now() - start) / runs);
		return 0;
	}
	return 1;
}
