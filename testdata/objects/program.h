/* What the test objects share. */
#ifndef TSBPF_TESTDATA_PROGRAM_H
#define TSBPF_TESTDATA_PROGRAM_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif

char _license[] SEC("license") = "GPL";

#endif
