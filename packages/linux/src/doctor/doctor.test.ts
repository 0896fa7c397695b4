import { execFileSync } from "node:child_process";
import { createMap } from "@tsbpf/core";
import { expect, it } from "vitest";
import { Linux } from "../host/index.js";
import { syscallNumbers } from "../sys/index.js";
import { describeKernel } from "../testing/kernel.js";
import { diagnose } from "./doctor.js";

const dist = (path: string) => new URL(`../../dist/${path}`, import.meta.url);
const object = (name: string) => new URL(`../../../../testdata/kernel/${name}.bpf.o`, import.meta.url);

/** Tries what needs rights, and prints why each was refused, by name; and what diagnose() says is not ok. */
const script = `
  import { readFileSync } from "node:fs";
  import { Linux, programIds, setXdpProgram, NetworkNamespace, diagnose } from "${dist("index.js")}";
  import { libc, lastErrno, NativeBuffer, setU64, openPerfEvent, createMap } from "${dist("sys/index.js")}";
  import { readObject } from "${new URL("../../../core/dist/object/index.js", import.meta.url)}";
  const reasons = {};
  const attempt = async (name, work) => {
    try { await work(); } catch (error) { reasons[name] = error.message.split("\\n", 1)[0]; }
  };
  if (process.argv[1] === "seccomp") forbidBpf();
  const read = (path) => readObject(readFileSync(new URL(path)));
  const load = (path, name) => host.load(read(path), { programs: [name], pinRoot: null });
  let host;
  await attempt("open", async () => { host = await Linux.open(); });
  await attempt("xdp", () => load("${object("network")}", "xdp_verdict"));
  await attempt("trace", () => load("${object("tracing")}", "on_raw_tracepoint"));
  await attempt("ids", () => [...programIds()]);
  await attempt("netlink", () => setXdpProgram("lo", -1, 0));
  await attempt("namespace", () => NetworkNamespace.create());
  await attempt("perf", () => openPerfEvent({ type: 1, config: 0n, samplePeriod: 1000 }, -1, 0, "clock"));
  const found = Object.fromEntries(diagnose().filter(({ state }) => state !== "ok").map(({ name, detail }) => [name, detail]));
  console.log(JSON.stringify({ reasons, found }));

  // A filter as container runtimes have them: bpf(2) is EPERM.
  function forbidBpf() {
    const insns = [[0x20, 0, 0, 0], [0x15, 0, 1, ${syscallNumbers().bpf}], [6, 0, 0, 0x50001], [6, 0, 0, 0x7fff0000]];
    const memory = new NativeBuffer(16 + insns.length * 8);
    memory.view.setUint16(0, insns.length, true);
    setU64(memory.view, 8, memory.address + 16);
    insns.forEach(([code, yes, no, k], i) => {
      memory.view.setUint16(16 + i * 8, code, true);
      memory.view.setUint8(18 + i * 8, yes);
      memory.view.setUint8(19 + i * 8, no);
      memory.view.setUint32(20 + i * 8, k, true);
    });
    const seccomp = process.arch === "arm64" ? 277 : 317;
    if (libc().syscall(seccomp, 1, 0, memory.address, 0, 0) < 0) throw new Error("seccomp: " + lastErrno());
  }`;

function without(capabilities: string, ...words: string[]) {
  const dropped = capabilities === "" ? [] : ["setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities];
  const command = [...dropped, process.execPath, "--input-type=module", "-e", script, "--", ...words];
  return JSON.parse(execFileSync(command[0]!, command.slice(1), { encoding: "utf8" })) as {
    reasons: Record<string, string>;
    found: Record<string, string>;
  };
}

const lacks = (names: string) =>
  expect.stringContaining(`EPERM (not permitted: needs ${names}, which this process does`);

describeKernel("why the kernel says EPERM", () => {
  it("is nothing for root", () => {
    expect(without("").reasons).toEqual({});
  });

  it("is CAP_BPF, and the sysctl that would do without", () => {
    const { reasons, found } = without("-bpf,-sys_admin");
    expect(reasons.open).toEqual(lacks("CAP_BPF"));
    expect(found["bpf(2)"]).toContain("needs CAP_BPF");
    expect(found.CAP_BPF).toContain("is missing; it is needed for creating maps");
    expect(found["kernel.unprivileged_bpf_disabled"]).toContain("without CAP_BPF, bpf(2) is refused");
  });

  it("is CAP_NET_ADMIN for network programs and devices", () => {
    const { reasons, found } = without("-net_admin,-sys_admin");
    expect(reasons.open).toBeUndefined();
    expect(reasons.xdp).toEqual(lacks("CAP_NET_ADMIN"));
    expect(reasons.netlink).toEqual(lacks("CAP_NET_ADMIN"));
    expect(reasons.trace).toBeUndefined();
    expect(found.CAP_NET_ADMIN).toContain("is missing");
  });

  it("is CAP_PERFMON for programs that trace, and for perf events", () => {
    const { reasons, found } = without("-perfmon,-sys_admin");
    expect(reasons.trace).toEqual(lacks("CAP_PERFMON"));
    expect(reasons.perf).toMatch(/CAP_PERFMON/);
    expect(reasons.xdp).toBeUndefined();
    expect(found.CAP_PERFMON).toContain("is missing");
  });

  it("is CAP_SYS_ADMIN for others' objects and for namespaces", () => {
    const { reasons, found } = without("-sys_admin");
    expect(reasons.ids).toEqual(lacks("CAP_SYS_ADMIN"));
    expect(reasons.namespace).toEqual(lacks("CAP_SYS_ADMIN"));
    expect([reasons.open, reasons.xdp, reasons.trace]).toEqual([undefined, undefined, undefined]);
    expect(found.CAP_SYS_ADMIN).toContain("is missing");
  });

  it("is several at once, each named", () => {
    const { reasons } = without("-all");
    expect(reasons.open).toEqual(lacks("CAP_BPF"));
    expect(reasons.netlink).toEqual(lacks("CAP_NET_ADMIN"));
  });

  it("is a seccomp filter, where the capabilities are there", () => {
    const { reasons, found } = without("", "seccomp");
    expect(reasons.open).toContain("EPERM (not permitted: a seccomp filter (a container's?) may forbid it)");
    expect(found.seccomp).toContain("a filter is in force");
  });

  it("is a frozen map, and not the process", async () => {
    using host = await Linux.open();
    using map = host.createMap(createMap({ name: "frozen", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 }));
    map.raw.freeze();
    expect(() => map.raw.update(new Uint8Array(4), new Uint8Array(4))).toThrow(
      "EPERM (not permitted: the map is frozen, or its flags forbid it)",
    );
  });
});

describeKernel("a diagnosis", () => {
  it("looks at everything that can be in the way, once", () => {
    const names = diagnose().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(["bpf(2)", "CAP_BPF", "lockdown", "seccomp", "RLIMIT_MEMLOCK", "kernel BTF", "bpffs"]),
    );
    expect(diagnose().filter(({ state }) => state === "blocked")).toEqual([]);
  });
});
