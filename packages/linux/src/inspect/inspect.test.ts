import { execFileSync } from "node:child_process";
import { createMap } from "@tsbpf/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  diagnose,
  dumpProgram,
  enableStatistics,
  Linux,
  type LinuxProgram,
  linkIds,
  linkInfo,
  mapIds,
  programIds,
  queryTcx,
} from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const bpftool = (...words: string[]) => JSON.parse(execFileSync("bpftool", ["-j", ...words], { encoding: "utf8" }));

describeKernel("looking at the kernel", () => {
  let host: Linux;
  beforeAll(async () => {
    host = await Linux.open();
  });
  afterAll(() => host?.close());

  it("shows what bpftool shows of a program", async () => {
    using object = await host.load(kernelObject("network"), { programs: ["xdp_verdict"] });
    const program = object.program("xdp_verdict") as LinuxProgram;
    expect([...programIds()]).toContain(program.id);
    const shown = bpftool("prog", "show", "id", `${program.id}`);
    const { info, xlated, jited, mapIds: maps } = dumpProgram(program.fd);
    expect(info).toMatchObject({
      name: shown.name,
      tag: shown.tag,
      gplCompatible: shown.gpl_compatible,
      btfId: shown.btf_id,
    });
    expect([xlated.length, jited.length, [...maps].sort()]).toEqual([
      shown.bytes_xlated,
      shown.bytes_jited,
      shown.map_ids.sort(),
    ]);
    using again = host.programById(program.id);
    expect(again.name).toBe("xdp_verdict");
    expect(again.testRun({ data: new Uint8Array(60) }).retval).toBe(2);
  });

  it("opens maps by id, with their types", () => {
    using map = host.createMap(createMap({ name: "by_id", type: "hash", keySize: 4, valueSize: 4, maxEntries: 4 }));
    expect([...mapIds()]).toContain(map.info.id);
    using again = host.mapById(map.info.id);
    map.update(1, 2);
    expect(again.lookup(1)).toEqual(Uint8Array.of(2, 0, 0, 0));
    expect(() => host.mapById(0x7fff_ffff)).toThrow("ENOENT");
  });

  it("shows links, and programs at a hook in their order", async () => {
    using veth = new VethPair();
    using object = await host.load(kernelObject("network"), { programs: ["tc_drop"] });
    using first = veth.left.run(() => host.attachTcx(object.program("tc_drop"), "left", "ingress"));
    using before = await host.load(kernelObject("network"), { programs: ["tc_drop"] });
    using second = veth.left.run(() => host.attachTcx(before.program("tc_drop"), "left", "ingress", { before: first }));
    const { programIds: programs, linkIds: links } = veth.left.run(() => queryTcx("left", "ingress"));
    expect(programs).toEqual([before.program("tc_drop").id, object.program("tc_drop").id]);
    expect(links).toEqual([second.id, first.id]);
    expect([...linkIds()]).toContain(first.id);
    const info = linkInfo((first as unknown as { fd: number }).fd);
    expect(info).toMatchObject({
      id: first.id,
      type: "tcx",
      attachType: "tcx_ingress",
      programId: object.program("tc_drop").id,
    });
  });

  it("counts runs while asked to", async () => {
    using object = await host.load(kernelObject("network"), { programs: ["xdp_verdict"] });
    const program = object.program("xdp_verdict") as LinuxProgram;
    const statistics = enableStatistics();
    program.testRun({ data: new Uint8Array(60), repeat: 100 });
    expect(Number(program.info().runCount)).toBeGreaterThanOrEqual(100);
    statistics.close();
  });

  it("finds nothing that blocks bpf(2) where it works", () => {
    const findings = diagnose();
    expect(findings.find(({ name }) => name === "bpf(2)")).toEqual({ name: "bpf(2)", state: "ok", detail: "works" });
    expect(findings.filter(({ state }) => state === "blocked")).toEqual([]);
  });

  it("names the capability that is missing", () => {
    const script = `
      import { Linux, diagnose } from "${new URL("../../dist/index.js", import.meta.url)}";
      await Linux.open().catch((error) => console.log(error.message));
      console.log(diagnose().filter(({ state }) => state === "blocked").map(({ name }) => name).join());`;
    const run = (caps: string) =>
      execFileSync(
        "setpriv",
        ["--bounding-set", caps, "--inh-caps", caps, process.execPath, "--input-type=module", "-e", script],
        {
          encoding: "utf8",
        },
      );
    const output = run("-bpf,-sys_admin");
    expect(output).toContain("BPF_MAP_CREATE of '': EPERM (not permitted: needs CAP_BPF");
    expect(output).toContain("bpf(2),kernel.unprivileged_bpf_disabled");
  });
});
