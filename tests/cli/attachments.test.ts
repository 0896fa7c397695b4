import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { ip } from "../../packages/linux/src/testing/network.js";
import {
  bpftool,
  describeWithBpftool,
  inspectObject,
  mountTracefs,
  mustBpftool,
  privateBpffs,
  privateNetwork,
  tc,
} from "./kernel-state.js";

/** Runs a command that has to work, and answers what it prints. */
async function tsbpf(line: string): Promise<string> {
  const { status, out, err } = await commandLine(...line.split(" "));
  expect([line, status, err]).toEqual([line, 0, ""]);
  return out;
}

async function sameAsBpftool(line: string): Promise<void> {
  const words = line.split(" ");
  const theirs = bpftool(...words).out;
  expect((await commandLine(...words)).out).toBe(theirs);
  expect(theirs.length).toBeGreaterThan(1);
}

describeWithBpftool("attaching", () => {
  let bpffs: string;
  let cgroup: string;

  beforeAll(async () => {
    bpffs = privateBpffs();
    privateNetwork();
    mountTracefs();
    ip("link add left type veth peer name right");
    ip("link set left up");
    ip("link set right up");
    await tsbpf(`prog loadall ${inspectObject} ${bpffs}/p pinmaps ${bpffs}/m`);
    const mount = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .find((line) => / cgroup2 /.test(line));
    cgroup = `${mount!.split(" ")[1]}/tsbpf-verbs-${process.pid}`;
    mkdirSync(`${cgroup}/inner`, { recursive: true });
  });

  afterAll(() => {
    for (const folder of [`${cgroup}/inner`, cgroup]) if (existsSync(folder)) rmdirSync(folder);
  });

  it("what tsbpf loads and pins, bpftool finds", () => {
    const shown = JSON.parse(mustBpftool("-j", "prog", "show", "pinned", `${bpffs}/p/filter`));
    expect(shown).toMatchObject({ type: "xdp", name: "filter", metadata: { author: "tsbpf", version: 7 } });
    expect(readdirSync(`${bpffs}/m`)).toContain("inspect_rodata");
  });

  it("a failed loadall leaves nothing behind", async () => {
    const { status, err } = await commandLine(
      "prog",
      "loadall",
      inspectObject,
      `${bpffs}/p`,
      "pinmaps",
      `${bpffs}/new/maps`,
    );
    expect(status).toBe(1);
    expect(err).toContain("EEXIST");
    expect(existsSync(`${bpffs}/new`)).toBe(false);
    expect(readdirSync(`${bpffs}/p`).length).toBe(9);
  });

  it("an object's map can be replaced by one that is there", async () => {
    await tsbpf(`prog load ${inspectObject} ${bpffs}/again map name flows pinned ${bpffs}/m/flows`);
    const { id } = JSON.parse(await tsbpf(`-j map show pinned ${bpffs}/m/flows`));
    const [first] = JSON.parse(await tsbpf(`-j prog dump xlated pinned ${bpffs}/p/filter`)).filter(
      (line: { disasm: string }) => line.disasm.endsWith(`map[id:${id}]`),
    );
    expect(first).toBeDefined();
  });

  describe("to devices", () => {
    it("XDP by net: seen by both alike, refused twice, replaced, taken off", async () => {
      await tsbpf(`net attach xdpgeneric pinned ${bpffs}/p/filter dev left`);
      await sameAsBpftool("-j net");
      expect(
        (await commandLine("net", "attach", "xdpgeneric", "pinned", `${bpffs}/p/jumped`, "dev", "left")).err,
      ).toMatch(/EBUSY|EEXIST/);
      await tsbpf(`net attach xdpgeneric pinned ${bpffs}/p/jumped dev left overwrite`);
      await sameAsBpftool("-j net show dev left");
      mustBpftool("net", "detach", "xdpgeneric", "dev", "left");
      expect(await tsbpf("-j net show dev left")).toBe('[{"xdp":[],"tc":[],"flow_dissector":[]}]\n');
    });

    it("tc filters of all kinds are listed as bpftool lists them", async () => {
      tc("qdisc add dev left clsact");
      tc(`filter add dev left ingress pref 3 handle 7 bpf da object-pinned ${bpffs}/p/classify`);
      tc(`filter add dev left egress bpf object-pinned ${bpffs}/p/classify`);
      tc("qdisc add dev right root handle 1: htb");
      tc("class add dev right parent 1: classid 1:1 htb rate 1mbit");
      tc(`filter add dev right parent 1: bpf object-pinned ${bpffs}/p/classify classid 1:1`);
      await sameAsBpftool("-j net");
      await sameAsBpftool("net");
      tc("qdisc del dev left clsact");
      tc("qdisc del dev right root");
    });

    it("tcx is attached, listed and detached", async () => {
      await tsbpf(`net attach tcx_egress pinned ${bpffs}/p/classify dev right`);
      const [shown] = JSON.parse(await tsbpf("-j net show dev right"));
      expect(shown.tc).toEqual([expect.objectContaining({ kind: "tcx/egress", name: "classify" })]);
      await tsbpf("net detach tcx_egress dev right");
      expect(JSON.parse(await tsbpf("-j net show dev right"))[0].tc).toEqual([]);
    });

    it("a device that is not there is named", async () => {
      expect((await commandLine("net", "show", "dev", "none")).err).toBe(
        "tsbpf: there is no network device 'none' here\n",
      );
    });
  });

  it("a flow dissector, to this network namespace", async () => {
    await tsbpf(`prog attach pinned ${bpffs}/p/dissect flow_dissector`);
    await sameAsBpftool("net");
    mustBpftool("prog", "detach", "pinned", `${bpffs}/p/dissect`, "flow_dissector");
    expect((await commandLine("prog", "detach", "pinned", `${bpffs}/p/dissect`, "flow_dissector")).err).toContain(
      "ENOENT",
    );
  });

  it("to a sockmap", async () => {
    await tsbpf(`map create ${bpffs}/sockets type sockmap key 4 value 8 entries 4 name sockets`);
    await tsbpf(`prog attach pinned ${bpffs}/p/on_message msg_verdict pinned ${bpffs}/sockets`);
    mustBpftool("prog", "detach", "pinned", `${bpffs}/p/on_message`, "msg_verdict", "pinned", `${bpffs}/sockets`);
  });

  it("to cgroups: show and tree, with what is inherited", async () => {
    await tsbpf(`cgroup attach ${cgroup} egress pinned ${bpffs}/p/egress multi`);
    await tsbpf(`cgroup attach ${cgroup}/inner cgroup_inet4_connect pinned ${bpffs}/p/connect4`);
    for (const line of [
      `show ${cgroup}`,
      `show ${cgroup}/inner`,
      `show ${cgroup}/inner effective`,
      `tree ${cgroup}`,
      `tree ${cgroup} effective`,
    ]) {
      await sameAsBpftool(`-j cgroup ${line}`);
    }
    await tsbpf(`cgroup detach ${cgroup} egress pinned ${bpffs}/p/egress`);
    mustBpftool("cgroup", "detach", `${cgroup}/inner`, "connect4", "pinned", `${bpffs}/p/connect4`);
    expect(await tsbpf(`-j cgroup tree ${cgroup}`)).toBe("[]\n");
  });

  it("by itself: raw tracepoints become pinned links, which bpftool shows alike", async () => {
    await tsbpf(`prog loadall ${inspectObject} ${bpffs}/auto autoattach`);
    await sameAsBpftool(`-jf link show pinned ${bpffs}/auto/on_syscall`);
    const { id } = JSON.parse(await tsbpf(`-j link show pinned ${bpffs}/auto/on_syscall`));
    // What names no target is pinned as a program.
    await sameAsBpftool(`-j prog dump xlated pinned ${bpffs}/auto/filter`);
    await tsbpf(`link pin id ${id} ${bpffs}/second`);
    expect(JSON.parse(mustBpftool("-j", "link", "show", "pinned", `${bpffs}/second`)).id).toBe(id);
    // The kernel detaches links of cgroups, devices and namespaces, not of tracepoints.
    expect((await commandLine("link", "detach", "pinned", `${bpffs}/second`)).err).toContain("EOPNOTSUPP");
    expect(bpftool("link", "detach", "pinned", `${bpffs}/second`).status).not.toBe(0);
  });

  it("test runs print what bpftool's print", async () => {
    const packet = join(mkdtempSync(join(tmpdir(), "tsbpf-")), "packet");
    writeFileSync(
      packet,
      Uint8Array.from({ length: 61 }, (_, i) => i * 5),
    );
    const withoutTime = (text: string) => text.replace(/("duration":|duration: )\d+/, "$1");
    for (const flags of [[], ["-j"]]) {
      const words = [
        ...flags,
        ..."prog run pinned".split(" "),
        `${bpffs}/p/filter`,
        "data_in",
        packet,
        "data_out",
        "-",
      ];
      const ours = await commandLine(...words);
      expect(ours.err).toBe("");
      const trimmed = (text: string) =>
        withoutTime(text)
          .split("\n")
          .map((line) => line.trimEnd());
      expect(trimmed(ours.out)).toEqual(trimmed(bpftool(...words).out));
    }
    rmSync(dirname(packet), { recursive: true });
  });
});
