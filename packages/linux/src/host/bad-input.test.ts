import { createMap, SyscallError } from "@tsbpf/core";
import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { UserRing } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { mountPrivately } from "../testing/mounts.js";
import { VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";
import { arenaMemory, Linux, type LinuxMap, type LinuxProgram, MappedArray } from "./index.js";

const PINS = "/sys/fs/bpf";
const frame = new Uint8Array(60);
const hashSpec = { name: "flows", type: "hash", keySize: 4, valueSize: 8, maxEntries: 8 } as const;

const ringSpec = { type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 } as const;

describeKernel("what cannot work", () => {
  let host: Linux;
  let veth: VethPair;
  let network: LoadedObject;

  beforeAll(async () => {
    mountPrivately("bpf", PINS);
    host = await Linux.open();
    veth = new VethPair();
    network = await host.load(kernelObject("network"), {
      programs: [
        "xdp_verdict",
        "tc_drop",
        "socket_verdict",
        "cgroup_bind",
        "lwt_drop",
        "sk_msg_redirect",
        "to_listener",
      ],
    });
  });
  afterAll(() => {
    host?.close();
    veth?.close();
  });

  it("a key or value of the wrong size is named before the kernel sees it", () => {
    using map = host.createMap(createMap(hashSpec));
    const { raw } = map;
    const key = new Uint8Array(4);
    for (const use of [
      () => raw.lookup(new Uint8Array(3)),
      () => raw.update(new Uint8Array(5), new Uint8Array(8)),
      () => raw.delete(new Uint8Array(0)),
      () => raw.nextKey(new Uint8Array(8)),
      () => (raw as LinuxMap).lookupInto(new Uint8Array(3), new Uint8Array(8)),
    ]) {
      expect(use).toThrow(/its key has 4 bytes, not \d/);
    }
    expect(() => raw.update(key, new Uint8Array(7))).toThrow("its value has 8 bytes, not 7");
    expect(() => raw.updateBatch(new Uint8Array(8), new Uint8Array(8), 2)).toThrow("its values has 16 bytes, not 8");
    expect(() => map.update("text" as never, 1 as never)).toThrow();
    expect([...raw.entries()]).toEqual([]);
  });

  it("a closed map, program or link says that it is closed", async () => {
    const map = host.createMap(createMap(hashSpec));
    const raw = map.raw as LinuxMap;
    map.close();
    const { raw: ring } = host.createMap(createMap({ ...hashSpec, ...ringSpec }));
    ring.close();
    const key = new Uint8Array(4);
    const value = new Uint8Array(8);
    const object = await host.load(kernelObject("network"), { programs: ["xdp_verdict"] });
    const program = object.program("xdp_verdict") as LinuxProgram;
    const link = veth.right.run(() => host.attachXdp(program, "right"));
    link.close();
    object.close();
    for (const use of [
      () => raw.lookup(key),
      () => raw.lookupInto(key, value),
      () => raw.update(key, value),
      () => raw.delete(key),
      () => raw.nextKey(),
      () => [...raw.entries()],
      () => [...raw.batches()],
      () => raw.updateBatch(key, value, 1),
      () => raw.deleteBatch(key, 1),
      () => raw.lookupAndDelete(key),
      () => raw.freeze(),
      () => ring.subscribe({ event: () => {}, lost: () => {} }),
      () => raw.pin(`${PINS}/closed`),
      () => program.testRun({ data: frame }),
      () => program.pin(`${PINS}/closed`),
      () => program.info(),
      () => program.bindMap(map),
      () => program.readStream("stdout"),
      () => veth.right.run(() => host.attachXdp(program, "right")),
      () => host.attachSocketFilter(program, 0),
      () => link.update(network.program("xdp_verdict")),
      () => object.variables.verdict!.get(),
    ]) {
      expect(use).toThrow(/is closed|of type xdp/);
    }
    for (const closed of [map, program, link, object]) closed.close();
  });

  it("a device that is not there is named", () => {
    const nowhere = "there is no network device 'tsbpf-none' here";
    expect(() => host.attachXdp(network.program("xdp_verdict"), "tsbpf-none")).toThrow(nowhere);
    expect(() => host.attachTcx(network.program("tc_drop"), "tsbpf-none", "ingress")).toThrow(nowhere);
    expect(() => host.attachClsact(network.program("tc_drop"), "tsbpf-none", "egress")).toThrow(nowhere);
    const route = { destination: "10.93.0.0/24", device: "tsbpf-none" };
    expect(() => host.attachLwt(network.program("lwt_drop"), route)).toThrow(nowhere);
  });

  it("a name that is too long is cut where only people read it, and refused where it has to be found", () => {
    const name = "a_name_of_more_than_fifteen_bytes";
    using map = host.createMap(createMap({ ...hashSpec, name }));
    expect(map.name).toBe(name);
    using again = host.mapById(map.info.id);
    expect(again.name).toBe(name.slice(0, 15));
    expect(() => host.attachXdp(network.program("xdp_verdict"), name)).toThrow(`no network device '${name}'`);
    const raw = map.raw as LinuxMap;
    expect(() => raw.pin(`${PINS}/${"x".repeat(300)}`)).toThrow("ENAMETOOLONG (a name is too long");
  });

  it("a pin outside of a bpffs is explained, and nothing is made there", () => {
    using map = host.createMap(createMap(hashSpec));
    const link = veth.right.run(() => host.attachTcx(network.program("tc_drop"), "right", "ingress"));
    const hint = "/tmp is not in a bpffs; mount one";
    expect(() => (map.raw as LinuxMap).pin("/tmp/tsbpf-pin")).toThrow(hint);
    expect(() => (network.program("tc_drop") as LinuxProgram).pin("/tmp/tsbpf-pin")).toThrow(hint);
    expect(() => (link as { pin?(path: string): void }).pin!("/tmp/tsbpf-pin")).toThrow(hint);
    expect(() => host.openMap("/tmp/tsbpf-pin")).toThrow("ENOENT");
    link.close();
  });

  it("a pin of another kind of object is told apart", () => {
    using map = host.createMap(createMap(hashSpec));
    (map.raw as LinuxMap).pin(`${PINS}/a-map`);
    (network.program("tc_drop") as LinuxProgram).pin(`${PINS}/a-program`);
    expect(() => host.openProgram(`${PINS}/a-map`)).toThrow(`${PINS}/a-map is a pinned map, not a program`);
    expect(() => host.openMap(`${PINS}/a-program`)).toThrow(`${PINS}/a-program is a pinned program, not a map`);
    expect(() => host.openMap(PINS)).toThrow(SyscallError);
  });

  it("a program of another type is refused by every hook, in words", () => {
    const xdp = network.program("xdp_verdict");
    const tc = network.program("tc_drop");
    const takes = (type: string) => new RegExp(`of type \\w+; .* takes .*${type}`);
    expect(() => veth.right.run(() => host.attachXdp(tc, "right"))).toThrow(takes("xdp"));
    expect(() => veth.right.run(() => host.attachTcx(xdp, "right", "ingress"))).toThrow(takes("sched_cls"));
    expect(() => veth.right.run(() => host.attachClsact(xdp, "right", "ingress"))).toThrow(takes("sched_cls"));
    expect(() => host.attachAction(xdp, "right", "ingress")).toThrow(takes("sched_act"));
    expect(() => host.attachCgroup(xdp, "/sys/fs/cgroup")).toThrow(takes("cgroup_skb"));
    expect(() => host.attachNetworkNamespace(xdp)).toThrow(takes("sk_lookup"));
    expect(() => host.attachNetfilter(xdp, { family: "ipv4", hook: "input", priority: 0 })).toThrow(takes("netfilter"));
    expect(() => host.attachLwt(xdp, { destination: "10.1.0.0/16", device: "lo" })).toThrow(takes("lwt_xmit"));
    expect(() => host.attachSocketFilter(xdp, 0)).toThrow(takes("socket_filter"));
    expect(() => host.attachReuseport(xdp, 0)).toThrow(takes("sk_reuseport"));
    expect(() => host.attachSockmap(xdp, network.map("streams"))).toThrow(takes("sk_msg"));
    expect(() => host.attachTracepoint(xdp, "a/b")).toThrow(takes("tracepoint"));
    expect(() => host.attachRawTracepoint(xdp, "sys_enter")).toThrow(takes("raw_tracepoint"));
    expect(() => host.attachPerf(xdp, { type: 1, config: 0 })).toThrow(takes("perf_event"));
    expect(() => host.attachUprobe(xdp, "/bin/sh", { offset: 0 })).toThrow(takes("kprobe"));
    expect(() => host.attachUprobeMulti(xdp, "/bin/sh", { places: [{ offset: 0 }] })).toThrow(takes("kprobe"));
    expect(() => host.attachUsdt(xdp, "/bin/sh", "a:b")).toThrow(takes("kprobe"));
    expect(() => host.attachKprobe(xdp, { symbol: "x" })).toThrow(takes("kprobe"));
    expect(() => host.attachKprobeMulti(xdp, { symbols: ["x"] })).toThrow(takes("kprobe"));
    expect(() => host.attachIterator(xdp)).toThrow(takes("tracing"));
    expect(() => host.attachReplacement(xdp)).toThrow(takes("ext"));
    expect(() => host.attachStructOps(network.map("streams"))).toThrow("is no struct_ops map");
    expect(() => network.program("to_listener").testRun({ data: frame })).toThrow("BPF_PROG_TEST_RUN");
    expect(() => network.program("sk_msg_redirect").testRun({ data: frame })).toThrow("have no test run");
  });

  it("memory stays where it is for who holds it, whatever is closed", async () => {
    const object = await host.load(kernelObject("loading"), { programs: ["externs"], pinRoot: null });
    const array = new MappedArray(object.map(".data"));
    const bytes = array.bytes(0);
    const arenaObject = await host.load(kernelObject("arena"), { pinRoot: null });
    const arena = new Uint8Array(arenaMemory(arenaObject.map("arena")).buffer);
    const events = await host.load(kernelObject("events"));
    const ring = new UserRing(events.map("commands"));
    for (const each of [object, arenaObject, events]) each.close();
    bytes.fill(1);
    expect(array.bytes(0)[0]).toBe(1);
    expect(() => array.bytes(1)).toThrow("elements 0 to 0");
    arena[0] = 7;
    expect(arena[0]).toBe(7);
    expect(ring.send(new Uint8Array(8))).toBe(true);
    expect(() => arenaMemory(arenaObject.map("arena"))).toThrow("is closed");
    expect(() => new MappedArray(object.map(".data"))).toThrow("is closed");
    expect(() => new UserRing(events.map("commands"))).toThrow("is closed");
  });
});
