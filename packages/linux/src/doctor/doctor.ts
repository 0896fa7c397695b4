import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { kernelProblem } from "../availability.js";
import { type Feature, hasFeature } from "../host/features.js";
import { readKernelConfig } from "../host/kernel-config.js";
import {
  type Capability,
  capabilities,
  hasCapability,
  isFiltered,
  lockdownMode,
  lockedMemoryLimit,
  readSetting,
} from "../sys/index.js";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** `"blocked"`: bpf(2) does not work because of it; `"limited"`: some of it does not. */
  readonly state: "ok" | "limited" | "blocked";
  /** What was found, and what to do about it where it is not ok. */
  readonly detail: string;
}

/**
 * Looks at everything that can be in the way of BPF on this machine: architecture, kernel, capabilities, sysctls,
 * lockdown, limits, mounts. It changes nothing and needs no rights.
 */
export function diagnose(): Finding[] {
  if (process.platform !== "linux") {
    return [
      { name: "system", state: "blocked", detail: `${process.platform} is not Linux; the Machine host runs here` },
    ];
  }
  return [
    bpfCall(),
    ok("kernel", `Linux ${release()}, ${process.arch}`),
    ...capabilityFindings(),
    unprivileged(),
    lockdown(),
    seccomp(),
    memoryLimit(),
    typeInformation(),
    ...mounts(),
    ...configuration(),
    ...features(),
  ];
}

function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

function bpfCall(): Finding {
  const problem = kernelProblem();
  return problem === undefined ? ok("bpf(2)", "works") : { name: "bpf(2)", state: "blocked", detail: problem };
}

const purposes: Readonly<Record<Capability, string>> = {
  CAP_BPF: "creating maps and loading programs",
  CAP_NET_ADMIN: "network programs and attaching them",
  CAP_PERFMON: "tracing programs, and reading kernel memory",
  CAP_SYS_ADMIN: "iterating over others' programs and maps, cgroup and network namespaces",
  CAP_SYSLOG: "addresses of kernel symbols",
  CAP_SYS_RESOURCE: "raising RLIMIT_MEMLOCK on kernels before 5.11",
};

function capabilityFindings(): Finding[] {
  return (Object.keys(capabilities) as Capability[]).map((name) =>
    hasCapability(name)
      ? ok(name, "is there")
      : { name, state: "limited", detail: `is missing; it is needed for ${purposes[name]}` },
  );
}

function unprivileged(): Finding {
  const name = "kernel.unprivileged_bpf_disabled";
  const value = readSetting("/proc/sys/kernel/unprivileged_bpf_disabled");
  if (value === "0" || value === undefined) return ok(name, value ?? "is not there");
  if (hasCapability("CAP_BPF")) return ok(name, `is ${value}, which CAP_BPF overrides`);
  return { name, state: "blocked", detail: `is ${value}: without CAP_BPF, bpf(2) is refused` };
}

function lockdown(): Finding {
  const mode = lockdownMode();
  if (mode === undefined || mode === "none") return ok("lockdown", mode ?? "is not there");
  const effect = mode === "integrity" ? "programs cannot write user memory" : "programs cannot read kernel memory";
  return { name: "lockdown", state: "limited", detail: `${mode}: ${effect}` };
}

function seccomp(): Finding {
  if (!isFiltered()) return ok("seccomp", "no filter");
  return {
    name: "seccomp",
    state: "limited",
    detail: "a filter is in force, which may forbid bpf(2) and perf_event_open(2)",
  };
}

function memoryLimit(): Finding {
  const name = "RLIMIT_MEMLOCK";
  const limit = lockedMemoryLimit();
  if (limit === undefined) return ok(name, "no limit on maps: unlimited, or charged to the cgroup as since 5.11");
  return { name, state: "limited", detail: `${limit} bytes for maps and programs: raise it (ulimit -l unlimited)` };
}

function typeInformation(): Finding {
  const path = "/sys/kernel/btf/vmlinux";
  if (existsSync(path)) return ok("kernel BTF", path);
  return {
    name: "kernel BTF",
    state: "limited",
    detail: `${path} is missing (CONFIG_DEBUG_INFO_BTF): no CO-RE, kfuncs, BTF tracepoints or iterators`,
  };
}

function mounts(): Finding[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const mounted = (type: string) => lines.map((line) => line.split(" ")).find((fields) => fields[2] === type)?.[1];
  const wanted = [
    ["bpf", "bpffs", "pinning", "mount -t bpf bpffs /sys/fs/bpf"],
    ["tracefs", "tracefs", "tracepoints", "mount -t tracefs tracefs /sys/kernel/tracing"],
    ["cgroup2", "cgroup v2", "cgroup programs", "mount -t cgroup2 none /sys/fs/cgroup"],
  ] as const;
  return wanted.map(([type, name, purpose, command]) => {
    const path = mounted(type);
    if (path !== undefined) return ok(name, `at ${path}`);
    return {
      name,
      state: "limited",
      detail: `is not mounted, which ${purpose} need${purpose.endsWith("s") ? "" : "s"}: ${command}`,
    };
  });
}

const options: readonly (readonly [string, string])[] = [
  ["CONFIG_BPF_SYSCALL", "bpf(2) itself"],
  ["CONFIG_BPF_JIT", "native code"],
  ["CONFIG_CGROUP_BPF", "cgroup programs"],
  ["CONFIG_NET_CLS_BPF", "clsact filters"],
  ["CONFIG_XDP_SOCKETS", "AF_XDP"],
  ["CONFIG_BPF_EVENTS", "tracepoints, uprobes and perf events"],
  ["CONFIG_KPROBES", "kprobes"],
  ["CONFIG_UPROBES", "uprobes and USDT"],
  ["CONFIG_FPROBE", "kprobe.multi"],
  ["CONFIG_BPF_LSM", "LSM programs"],
  ["CONFIG_SCHED_CLASS_EXT", "sched_ext"],
  ["CONFIG_NETKIT", "netkit devices"],
];

function configuration(): Finding[] {
  const config = readKernelConfig();
  if (config === undefined) return [ok("kernel configuration", "cannot be read, so nothing is said about it")];
  return options.map(([name, purpose]) =>
    config.has(name) ? ok(name, purpose) : { name, state: "limited", detail: `is off: no ${purpose}` },
  );
}

const featureNames: readonly (readonly [Feature, string])[] = [
  ["globalData", "global data (5.2)"],
  ["mmapableArrays", "arrays that can be mapped (5.5)"],
  ["btfGlobalFunctions", "functions verified by themselves (5.6)"],
  ["btfEnum64", "64-bit enums in BTF (6.0)"],
];

function features(): Finding[] {
  if (kernelProblem() !== undefined) return [];
  return featureNames.map(([feature, name]) =>
    hasFeature(feature) ? ok(name, "is there") : { name, state: "limited", detail: "this kernel does not have it" },
  );
}
