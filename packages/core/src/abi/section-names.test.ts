import { describe, expect, it } from "vitest";
import { attachTypes, isProgramType, parseSectionName, sectionNames } from "./index.js";

describe("section names", () => {
  it("have known types, and none hides another", () => {
    const names = sectionNames.map((row) => row.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, attachType } of sectionNames) {
      expect(isProgramType(type), name).toBe(true);
      if (attachType !== undefined)
        expect(
          attachTypes.some((each) => each.name === attachType),
          name,
        ).toBe(true);
      expect(parseSectionName(name)!.type, name).toBe(type);
      expect(parseSectionName(name)!.attachType, name).toBe(attachType);
    }
  });

  it("keep what follows the slash as target, slashes included", () => {
    expect(parseSectionName("tracepoint/syscalls/sys_enter_openat")).toEqual({
      type: "tracepoint",
      attachType: undefined,
      attachTo: "syscalls/sys_enter_openat",
      flags: 0,
    });
    expect(parseSectionName("uprobe.multi.s//proc/self/exe:main")).toMatchObject({
      attachType: "trace_uprobe_multi",
      attachTo: "/proc/self/exe:main",
      flags: 0x10,
    });
    expect(parseSectionName("kprobe/do_unlinkat+0x8")!.attachTo).toBe("do_unlinkat+0x8");
    expect(parseSectionName("fentry")!.attachTo).toBeUndefined();
    expect(parseSectionName("fentry/")!.attachTo).toBeUndefined();
  });

  it("tell the longer from the shorter", () => {
    expect(parseSectionName("xdp.frags/devmap")).toMatchObject({ attachType: "xdp_devmap", flags: 0x20 });
    expect(parseSectionName("xdp/cpumap")).toMatchObject({ attachType: "xdp_cpumap", flags: 0 });
    expect(parseSectionName("cgroup/sock_release")!.attachType).toBe("cgroup_inet_sock_release");
    expect(parseSectionName("lsm_cgroup/socket_bind")).toMatchObject({ attachType: "lsm_cgroup", flags: 0 });
    expect(parseSectionName("raw_tp.w/x")!.type).toBe("raw_tracepoint_writable");
    expect(parseSectionName("tp_btf/sched_switch")!.type).toBe("tracing");
    expect(parseSectionName("syscall")!.flags).toBe(0x10);
  });

  it("are taken loosely where libbpf before 1.0 did", () => {
    expect(parseSectionName("xdp_drop")!.type).toBe("xdp");
    expect(parseSectionName("xdp/prog1")!.type).toBe("xdp");
    expect(parseSectionName("xdp_devmap/map_prog")!.attachType).toBe("xdp_devmap");
    expect(parseSectionName("classifier/ingress")!.type).toBe("sched_cls");
    expect(parseSectionName("socket1")!.type).toBe("socket_filter");
    expect(parseSectionName("from-container")!.type).toBe("sched_cls");
    expect(parseSectionName("prog")!.type).toBe("xdp");
  });

  it("say nothing where only letters are alike", () => {
    for (const name of ["tcp_main", "program", "xdpfoo", "total", "iterator", "2/3", "", "filters", ".text"]) {
      expect(parseSectionName(name), name).toBeUndefined();
    }
  });
});
