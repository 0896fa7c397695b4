// Prints the programs of an object as libbpf relocates them for a target's BTF, a name and its slots in hexadecimal a
// line: what libbpf.json was made with (libbpf 1.1), file descriptors in it set to 0.
//
//     cc -o relocate relocate.c -lbpf && ./relocate local.clang-22.o target.clang-22.o
//
// Needs root, since libbpf relocates while it loads. That some programs are then rejected doesn't matter.
#include <bpf/libbpf.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = argv[2]);
	struct bpf_object *object = bpf_object__open_file(argv[1], &options);
	struct bpf_program *program;

	if (!object)
		return 1;
	bpf_object__load(object);
	bpf_object__for_each_program(program, object) {
		const unsigned char *bytes = (const void *)bpf_program__insns(program);

		if (!bpf_program__autoload(program))
			continue;
		printf("%s ", bpf_program__name(program));
		for (size_t i = 0; i < bpf_program__insn_cnt(program) * 8; i++)
			printf("%02x", bytes[i]);
		printf("\n");
	}
	return 0;
}
