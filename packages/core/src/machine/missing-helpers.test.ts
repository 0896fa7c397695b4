import { describe, expect, it } from "vitest";
import { helperPrototypes, kfuncs, programTypes, rulesOfProgramType } from "../abi/index.js";
import { NotSupportedError } from "../base/index.js";
import { asm, programSpec } from "../host/testing/index.js";
import { Machine } from "./index.js";

const ids = new Map(helperPrototypes.map(({ name, id }) => [name, id]));
const ALL = "all";
/**
 * Helpers that no program can be loaded with, by why they mean nothing here (or not yet), and the program types that the
 * kernel grants them to.
 */
const missing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "there is no hardware that counts, receives infrared, or measures files": {
    ...{ perf_event_read: ALL, perf_event_read_value: ALL, perf_prog_read_value: "perf_event" },
    ...{ rc_keydown: "lirc_mode2", rc_pointer_rel: "lirc_mode2", rc_repeat: "lirc_mode2" },
    ...{ ima_file_hash: "lsm", ima_inode_hash: "lsm", bprm_opts_set: "lsm" },
  },
  "files are the caller's, and processes have no address space": {
    ...{ sock_from_file: "lsm syscall tracing", find_vma: ALL, task_pt_regs: ALL },
  },
  "the network has no segment routing, IPsec or congestion control of programs": {
    ...{ lwt_seg6_action: "lwt_seg6local" },
    ...{ lwt_seg6_adjust_srh: "lwt_seg6local", lwt_seg6_store_bytes: "lwt_seg6local" },
    ...{ skb_get_xfrm_state: "sched_act sched_cls", tcp_send_ack: "struct_ops" },
  },
  "not yet": {
    ...{ snprintf_btf: ALL, seq_printf_btf: "tracing", sys_bpf: "syscall", sys_close: "syscall" },
    ...{ skb_output: "lsm syscall tracing", xdp_output: "lsm syscall tracing" },
  },
};

/** Kernel functions that are missing, by what begins their names. */
const missingKfuncs = words(`
  bpf_arena_ bpf_cast_to_kern_ctx bpf_cgroup_
  bpf_copy_from_user_task_ bpf_cpumask_populate bpf_crypto_ bpf_ct_ bpf_dynptr_from_skb_meta bpf_get_dentry_xattr
  bpf_get_file_xattr bpf_get_kmem_cache bpf_get_task_exe_file bpf_iter_css_ bpf_iter_dmabuf_ bpf_iter_kmem_cache_
  bpf_iter_task_vma_ bpf_key_put bpf_kfunc_call_ bpf_lookup_ bpf_map_sum_elem_count bpf_modify_return_test_tp
  bpf_path_d_path bpf_put_file bpf_rbtree_left bpf_rbtree_right bpf_rbtree_root
  bpf_remove_dentry_xattr bpf_set_dentry_xattr bpf_sk_assign_tcp_reqsk bpf_skb_ct_ bpf_sock_ bpf_stream_
  bpf_task_get_cgroup1 bpf_task_under_cgroup bpf_task_work_ __bpf_trap bpf_xdp_ bbr_ css_rstat_ cubictcp_ tcp_
`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** Helpers that the Machine lacks, and the program types that the kernel grants them to. */
function missingHelpers(machine: Machine): Record<string, string> {
  const types = new Map<string, Set<string>>();
  for (const { name: type } of programTypes) {
    for (const { helper } of rulesOfProgramType(type).helpers) {
      if (machine.runtime.helpers.get(ids.get(helper)!) !== undefined) continue;
      types.set(helper, (types.get(helper) ?? new Set()).add(type));
    }
  }
  const text = (of: Set<string>) => (of.size === programTypes.length ? ALL : [...of].sort().join(" "));
  return Object.fromEntries([...types].map(([helper, of]) => [helper, text(of)]));
}

describe("what programs cannot call in a Machine", () => {
  const machine = new Machine();

  it("is these helpers, by the types that the kernel lets call them", () => {
    expect(missingHelpers(machine)).toEqual(Object.assign({}, ...Object.values(missing)));
  });

  it("is these kernel functions", () => {
    const there = new Set([...machine.runtime.kfuncs.entries()].map(([, { name }]) => name));
    const lacking = kfuncs.map(({ name }) => name).filter((name) => !there.has(name));
    const listed = (name: string) => missingKfuncs.some((start) => name.startsWith(start));
    expect(lacking.filter((name) => !listed(name))).toEqual([]);
    expect(missingKfuncs.filter((start) => !lacking.some((name) => name.startsWith(start)))).toEqual([]);
  });

  it("is said when a program is loaded, and not when it runs", async () => {
    for (const helper of Object.values(missing).flatMap((helpers) => Object.keys(helpers))) {
      const spec = programSpec("socket_filter", [asm.call(ids.get(helper)!), asm.mov(0, 0), asm.exit()]);
      const error = await machine.loadProgram(spec, { verify: false }).catch((reason: unknown) => reason);
      expect(error, helper).toBeInstanceOf(NotSupportedError);
      expect((error as Error).message).toContain(`calls bpf_${helper}() at slot 0, which the Machine lacks`);
    }
  });

  it("is what takes kernel types, where there are none", async () => {
    const spec = programSpec("kprobe", [asm.call(ids.get("get_current_task")!), asm.mov(0, 0), asm.exit()]);
    await expect(machine.loadProgram({ ...spec, license: "GPL" })).rejects.toThrow("give it `kernelTypes`");
  });
});
