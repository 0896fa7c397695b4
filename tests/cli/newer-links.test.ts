import { createProgram } from "@tsbpf/core";
import { Linux } from "@tsbpf/linux";
import { beforeAll, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";
import { ip } from "../../packages/linux/src/testing/network.js";
import { privateBpffs, privateNetwork } from "./kernel-state.js";

// What bpftool 7.1 does not know of; the answers are those of 7.5.

const returning = (value: number) => Uint8Array.of(0xb7, 0, 0, 0, value, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

async function json(line: string) {
  const { out, err } = await commandLine(...line.split(" "));
  expect(err).toBe("");
  return JSON.parse(out);
}

describeKernel("netfilter and tcx", () => {
  beforeAll(() => {
    privateBpffs();
    privateNetwork();
    ip("link add left type veth peer name right");
  });

  it("netfilter links, in link and net, as text and JSON", async () => {
    using host = await Linux.open();
    const type = { type: "netfilter", attachType: "netfilter" } as const;
    const program = await host.loadProgram(createProgram({ name: "verdict", ...type, insns: returning(1) }));
    using link = host.attachNetfilter(program, { family: "ipv4", hook: "input", priority: -5 });
    const place = { pf: 2, hook: 1, prio: -5, flags: 0 };
    expect(await json(`-j link show id ${link.id}`)).toEqual({
      ...{ id: link.id, type: "netfilter", prog_id: program.id },
      ...place,
    });
    const [shown] = await json("-j net");
    expect(shown.netfilter).toContainEqual({ ...place, id: program.id });
    const { out } = await commandLine("link", "show", "id", String(link.id));
    expect(out).toBe(`${link.id}: netfilter  prog ${program.id}  \n\tip input prio -5\n`);
    expect((await commandLine("net")).out).toContain(`netfilter:\n\tip input prio -5 prog_id ${program.id}\n`);
  });

  it("tcx, with and without a link; link detach", async () => {
    using host = await Linux.open();
    const program = await host.loadProgram(createProgram({ name: "classify", type: "sched_cls", insns: returning(0) }));
    using link = host.attachTcx(program, "left", "ingress");
    const head = { devname: "left", name: "classify", prog_id: program.id, prog_flags: [] };
    const [shown] = await json("-j net show dev left");
    expect(shown.tc).toEqual([
      { ...head, ifindex: shown.tc[0].ifindex, kind: "tcx/ingress", link_id: link.id, link_flags: [] },
    ]);
    await commandLine("net", "attach", "tcx_egress", "id", String(program.id), "dev", "left");
    expect((await json("-j net show dev left"))[0].tc[1]).toEqual({
      ...{ ...head, ifindex: shown.tc[0].ifindex, kind: "tcx/egress", link_id: 0, link_flags: [] },
    });
    expect(await commandLine("link", "detach", "id", String(link.id))).toMatchObject({ status: 0, err: "" });
    expect((await json(`-j link show id ${link.id}`)).devname).toBe("(detached)");
  });
});
