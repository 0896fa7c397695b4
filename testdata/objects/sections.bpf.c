// generate: sections.clang-19.o clang-19
/* Names of sections, those of libbpf and those of others. */
#include "program.h"

#define PROGRAM(name, section) SEC(section) int name(void *ctx) { return 0; }

PROGRAM(with_frags, "xdp.frags/cpumap")
PROGRAM(asleep, "uprobe.multi.s//proc/self/exe:main")
PROGRAM(on_tracepoint, "tp/syscalls/sys_enter_execve")
PROGRAM(ahead_of_function, "fentry/vfs_read")
PROGRAM(optional, "?lsm.s/file_open")
PROGRAM(on_connect, "cgroup/connect4")
PROGRAM(on_queue, "tcx/egress")
PROGRAM(walk, "iter/task")
PROGRAM(loose, "xdp_drop")
PROGRAM(untold, "from_the_future")
PROGRAM(untold_too, "2/7")
