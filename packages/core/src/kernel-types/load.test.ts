import { describe, expect, it } from "vitest";
import { helperPrototypes, iteratorTargets, kfuncs, mapStruct, mapTypes, structOpsRules } from "../abi/index.js";
import { checkBtf, findMember, functionPrototype } from "../btf/index.js";
import { loadKernelTypes } from "./load.js";

describe("shipped kernel types", async () => {
  const types = await loadKernelTypes();

  it("is sound to the kernel's own checks", () => {
    expect(checkBtf(types)).toEqual([]);
  });

  it("has what the tables in abi name", () => {
    const missing = (names: readonly string[], kind: "func" | "struct") =>
      names.filter((name) => types.find(name, kind).length === 0);
    const structs = helperPrototypes.flatMap(({ args, returns }) => [...args, returns].map(({ struct }) => struct));
    const maps = mapTypes.map(({ name }) => mapStruct(name));
    const named = [...structs, ...maps, ...Object.keys(structOpsRules)].filter((name) => name !== undefined);
    expect(
      missing(
        kfuncs.map(({ name }) => name),
        "func",
      ),
    ).toEqual([]);
    expect(
      missing(
        Object.keys(iteratorTargets).map((name) => `bpf_iter_${name}`),
        "func",
      ),
    ).toEqual([]);
    // Structs of what a kernel may have been built without.
    expect([...new Set(missing(named, "struct"))].sort()).toEqual([]);
  });

  it("has tracepoints with their callers, LSM hooks and the functions that are traced most", () => {
    expect(types.find("btf_trace_sched_switch", "typedef")).toHaveLength(1);
    for (const name of ["__bpf_trace_sched_switch", "bpf_lsm_file_open", "tcp_sendmsg", "__x64_sys_openat"]) {
      const [id] = types.find(name, "func");
      expect(functionPrototype(types, id!)?.params.length, name).toBeGreaterThan(0);
    }
  });

  it("goes as deep as the kernel's own", () => {
    const [task] = types.find("task_struct", "struct");
    const step = (id: number, path: string) => {
      const pointer = types.type(findMember(types, id, path)!.type);
      return pointer.kind === "ptr" ? pointer.type : 0;
    };
    const inode = step(step(step(task!, "mm"), "exe_file"), "f_inode");
    expect(types.name(step(inode, "i_sb"))).toBe("super_block");
  });
});
