// Runs programs in uBPF's interpreter for benchmarks/interpreter.js, and with --jit by its JIT for `npm run bench -- --runtime`.
//
// Standard input: a line a request, "<program hex> <memory hex or -> <runs>"; answers each with "<r0> <ns per run>". r1 is the
// memory, r2 its length, helper 8 returns 0.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ubpf.h>

static uint64_t get_smp_processor_id(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  (void)a, (void)b, (void)c, (void)d, (void)e;
  return 0;
}

static size_t bytes_of_hex(char *hex) {
  size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
  for (size_t at = 0; at < length; at++) {
    char digits[3] = {hex[2 * at], hex[2 * at + 1], 0};
    hex[at] = (char)strtoul(digits, NULL, 16);
  }
  return length;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv) {
  static char program[1 << 20], memory[1 << 20];
  unsigned runs;
  while (scanf("%1048575s %1048575s %u", program, memory, &runs) == 3) {
    struct ubpf_vm *vm = ubpf_create();
    char *error = NULL;
    size_t program_length = bytes_of_hex(program), memory_length = bytes_of_hex(memory);
    ubpf_register(vm, 8, "get_smp_processor_id", as_external_function_t((void *)get_smp_processor_id));
    if (ubpf_load(vm, program, (uint32_t)program_length, &error) < 0) {
      fprintf(stderr, "%s\n", error);
      return 1;
    }
    uint64_t result = 0;
    ubpf_jit_fn jit = argc == 2 && strcmp(argv[1], "--jit") == 0 ? ubpf_compile(vm, &error) : NULL;
    if (argc == 2 && jit == NULL) {
      fprintf(stderr, "%s\n", error);
      return 1;
    }
    double start = now();
    for (unsigned run = 0; run < runs; run++) {
      if (jit != NULL) result = jit(memory, memory_length);
      else if (ubpf_exec(vm, memory, memory_length, &result) < 0) return 1;
    }
    printf("0x%" PRIx64 " %f\n", result, (now() - start) / runs);
    fflush(stdout);
    ubpf_destroy(vm);
  }
  return 0;
}
