import { execFileSync } from "node:child_process";
import { beforeAll, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { ip } from "../../packages/linux/src/testing/network.js";
import {
  bpftool,
  describeWithBpftool,
  inspectObject,
  mustBpftool,
  privateBpffs,
  privateNetwork,
  tc,
} from "./kernel-state.js";

const objects = new URL("../../examples/", import.meta.url).pathname;
const filter = `${objects}ddos-filter/ddos-filter.bpf.o`;
const policer = `${objects}egress-policer/egress-policer.bpf.o`;

async function tsbpf(line: string): Promise<string> {
  const { status, out, err } = await commandLine(...line.split(" "));
  expect([line, status, err]).toEqual([line, 0, ""]);
  return out;
}

async function refused(line: string): Promise<string> {
  const { status, err } = await commandLine(...line.split(" "));
  expect(status).toBeGreaterThan(0);
  return err;
}

describeWithBpftool("ip's and tc's words", () => {
  let bpffs: string;

  beforeAll(() => {
    bpffs = privateBpffs();
    privateNetwork();
    ip("link add left type veth peer name right");
    mustBpftool("prog", "loadall", inspectObject, `${bpffs}/p`);
  });

  it("xdp: attached from a file, seen by bpftool and ip, replaced by one that is pinned, detached", async () => {
    expect(await tsbpf("xdp status")).toBe("no device has an XDP program\n");
    await tsbpf(`xdp attach left ${filter} mode skb`);
    const [shown] = JSON.parse(await tsbpf("-j xdp status left"));
    const [{ xdp: theirs }] = JSON.parse(bpftool("-j", "net", "show", "dev", "left").out);
    expect(shown).toMatchObject({ ifname: "left", mode: "skb", prog: { id: theirs[0].id, name: "ddos_filter" } });
    expect(await refused(`xdp attach left ${filter} mode skb`)).toMatch(
      /^tsbpf: left has XDP program \d+ already\n'replace'/,
    );
    await tsbpf(`xdp attach dev left object-pinned ${bpffs}/p/filter mode skb replace`);
    expect(await tsbpf("xdp status left")).toMatch(/^device {2}mode .*\nleft {4}skb +\d+ {2}filter/);
    const link = execFileSync("ip", ["-j", "link", "show", "left"], { encoding: "utf8" });
    expect(JSON.parse(link)[0].xdp).toMatchObject({ prog: { name: "filter" } });
    await tsbpf("xdp detach left");
    expect(JSON.parse(await tsbpf("-j xdp status"))).toEqual([]);
    expect(await refused("xdp detach left")).toBe("tsbpf: left has no XDP program\n");
    expect(await refused("xdp attach lefd x.o")).toContain("did you mean 'left'?");
  });

  it("tc filter: added from a file and by pin, listed as tc lists them, replaced, deleted by pref and handle", async () => {
    await tsbpf(`tc filter add dev left ingress pref 1 handle 1 bpf da obj ${policer}`);
    await tsbpf(`tc filter add dev left ingress pref 3 handle 7 bpf da object-pinned ${bpffs}/p/classify`);
    await tsbpf(`tc filter add dev left egress protocol all prio 5 bpf direct-action pinned ${bpffs}/p/classify`);
    tc(`filter add dev left egress pref 5 handle 9 bpf da object-pinned ${bpffs}/p/classify`);
    for (const direction of ["ingress", "egress"]) {
      const theirs = execFileSync("tc", ["-j", "filter", "show", "dev", "left", direction], { encoding: "utf8" });
      expect(JSON.parse(await tsbpf(`-j tc filter show dev left ${direction}`))).toEqual(JSON.parse(theirs));
    }
    expect((await tsbpf("tc filter show dev left")).split("\n").length).toBe(5);
    expect(await refused(`tc filter add dev left ingress pref 3 handle 7 bpf da pinned ${bpffs}/p/classify`)).toContain(
      "EEXIST",
    );
    await tsbpf(`tc filter replace dev left ingress pref 3 handle 7 bpf da pinned ${bpffs}/p/classify`);
    await tsbpf("tc filter del dev left egress pref 5 handle 9");
    await tsbpf("tc filter del dev left ingress");
    const left = JSON.parse(await tsbpf("-j tc filter show dev left"));
    expect(left).toMatchObject([{ direction: "egress", pref: 5, options: { handle: "0x1" } }]);
    expect(await refused("tc filter del dev left ingress pref 3")).toBe("tsbpf: left ingress has no such filter\n");
    expect(await refused(`tc filter add dev left ingress bpf obj ${policer}`)).toContain("'da' is missing");
    await tsbpf("tc qdisc del dev left clsact");
    expect(JSON.parse(await tsbpf("-j tc filter show dev left"))).toEqual([]);
  });
});
