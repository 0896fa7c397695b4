import { expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { bpftool, describeWithBpftool } from "./kernel-state.js";

type Answers = Record<string, Record<string, unknown>>;

async function ask(line: string): Promise<Answers> {
  const { status, out, err } = await commandLine(...line.split(" "));
  expect([status, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

describeWithBpftool("feature", () => {
  for (const component of ["kernel", "kernel unprivileged", "dev lo"]) {
    it(`probe ${component}: what bpftool finds, and what it does not know of`, async () => {
      const theirs: Answers = JSON.parse(bpftool(..."-j feature probe".split(" "), ...component.split(" ")).out);
      const ours = await ask(`-j feature probe ${component}`);
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      for (const part of Object.keys(theirs)) if (part !== "helpers") expect(ours[part]).toMatchObject(theirs[part]!);
      for (const [type, helpers] of Object.entries(theirs.helpers!)) {
        // bpftool 7.1 does not know how a newer kernel says no, and takes most noes for a yes.
        const own = ours.helpers![type] as string[];
        const known = own.filter((helper) => !helper.startsWith("bpf_cgrp_storage"));
        expect(helpers).toEqual(expect.arrayContaining(known));
        expect(own.length > 0).toBe((helpers as string[]).length > 0);
      }
    });
  }

  it("probe: helpers are those that the kernel grants to the type", async () => {
    const { helpers } = await ask("-j feature probe kernel full");
    expect(helpers!.xdp_available_helpers).toEqual(
      expect.arrayContaining(["bpf_xdp_adjust_head", "bpf_trace_printk", "bpf_redirect_map"]),
    );
    expect(helpers!.xdp_available_helpers).not.toContain("bpf_skb_store_bytes");
    expect(helpers!.sched_cls_available_helpers).toContain("bpf_skb_store_bytes");
  });

  it("probe macros", async () => {
    const { out } = await commandLine(..."feature probe kernel macros prefix MY_".split(" "));
    const theirs = bpftool(..."feature probe kernel macros prefix MY_".split(" ")).out.split("\n");
    const types = theirs.filter((line) => /^#define \w+_(PROG|MAP)_TYPE$/.test(line));
    expect(types.length).toBeGreaterThan(50);
    expect(out.split("\n")).toEqual(expect.arrayContaining(types));
    expect(out).toContain("#define MY_BPF__PROG_TYPE_xdp__HELPER_bpf_redirect 1\n");
  });

  for (const group of ["prog_types", "map_types", "attach_types", "link_types", "helpers"]) {
    it(`list_builtins ${group}: in bpftool's order`, async () => {
      const theirs = JSON.parse(bpftool("-j", "feature", "list_builtins", group).out);
      const { out } = await commandLine("-j", "feature", "list_builtins", group);
      expect(JSON.parse(out).slice(0, theirs.length)).toEqual(theirs);
    });
  }
});

it("feature probe machine needs no kernel, and tells what runs", async () => {
  const { program_types, map_types, helpers } = await ask("-j feature probe machine");
  expect(program_types).toMatchObject({ have_xdp_prog_type: true, have_ext_prog_type: false });
  expect(map_types).toMatchObject({ have_lpm_trie_map_type: true, have_arena_map_type: true });
  expect(helpers!.xdp_available_helpers).toContain("bpf_xdp_adjust_head");
  expect(helpers!.ext_available_helpers).toEqual([]);
});

it("feature names the word that it does not take", async () => {
  const { status, err } = await commandLine("feature", "probe", "kernal");
  expect(status).toBe(2);
  expect(err).toContain("did you mean 'kernel'?");
});
