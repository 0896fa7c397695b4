/*
 * The C side of the benchmarks of @tsbpf/linux: the same work through bpf(2) and libbpf. Prints nanoseconds of CPU time.
 *
 *     comparator lookup|update|batch ROUNDS
 *     comparator ring OBJECT EVENTS
 *     comparator load OBJECT ROUNDS
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make_map(int entries)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", 4, 8, entries, NULL);

	if (fd < 0)
		fail("map");
	for (__u32 key = 0; key < (__u32)entries; key++) {
		__u64 value = key;

		if (bpf_map_update_elem(fd, &key, &value, 0))
			fail("update");
	}
	return fd;
}

static void element(int command, int rounds)
{
	int fd = make_map(1000);
	__u64 value = 0, sum = 0;
	__u32 key = 0;
	union bpf_attr attr;
	double start;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (__u64)(long)&key;
	attr.value = (__u64)(long)&value;
	start = now();
	for (int i = 0; i < rounds; i++) {
		key = i % 1000;
		value = i;
		if (syscall(__NR_bpf, command, &attr, 32))
			fail("element");
		sum += value;
	}
	printf("%.1f %llu\n", (now() - start) / rounds, sum);
}

/* All 10,000 entries of a map, as often as told; a round is an entry. */
static void batch(int rounds)
{
	enum { ENTRIES = 10000, ROOM = 4096 };
	static __u32 keys[ROOM];
	static __u64 values[ROOM];
	int fd = make_map(ENTRIES);
	__u64 sum = 0, seen = 0;
	double start = now();

	while (seen < (__u64)rounds) {
		__u32 position, *in = NULL, count;
		int error;

		do {
			count = ROOM;
			error = bpf_map_lookup_batch(fd, in, &position, keys, values, &count, NULL);
			if (error && error != -2)
				fail("batch");
			for (__u32 i = 0; i < count; i++)
				sum += keys[i] + values[i];
			seen += count;
			in = &position;
		} while (!error);
	}
	printf("%.2f %llu\n", (now() - start) / seen, sum);
}

static __u64 ring_sum;

static int on_event(void *ctx, void *data, size_t size)
{
	ring_sum += *(__u32 *)data;
	return 0;
}

/* Events through a ring, from a program that sends bursts of them to the consumer. */
static void ring(const char *path, int events)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	struct ring_buffer *consumer;
	double start;
	int done = 0;

	if (!object || bpf_object__load(object))
		fail("load");
	program = bpf_object__find_program_by_name(object, "fill");
	consumer = ring_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(object, "ring")), on_event, NULL, NULL);
	if (!consumer)
		fail("ring");
	start = now();
	while (done < events) {
		LIBBPF_OPTS(bpf_test_run_opts, run);

		if (bpf_prog_test_run_opts(bpf_program__fd(program), &run))
			fail("run");
		done += ring_buffer__consume(consumer);
	}
	printf("%.2f %llu\n", (now() - start) / done, ring_sum);
}

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static void load(const char *path, int rounds)
{
	double start;

	libbpf_set_print(silent);
	start = now();
	for (int i = 0; i < rounds; i++) {
		struct bpf_object *object = bpf_object__open(path);

		if (!object || bpf_object__load(object))
			fail("load");
		bpf_object__close(object);
	}
	printf("%.0f 0\n", (now() - start) / rounds);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "lookup"))
		element(BPF_MAP_LOOKUP_ELEM, atoi(argv[2]));
	else if (!strcmp(argv[1], "update"))
		element(BPF_MAP_UPDATE_ELEM, atoi(argv[2]));
	else if (!strcmp(argv[1], "batch"))
		batch(atoi(argv[2]));
	else if (!strcmp(argv[1], "ring"))
		ring(argv[2], atoi(argv[3]));
	else if (!strcmp(argv[1], "load"))
		load(argv[2], atoi(argv[3]));
	return 0;
}
