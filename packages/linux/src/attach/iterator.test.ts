import { readdirSync, readFileSync, statSync } from "node:fs";
import type { BpfMap } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux, type LinuxMap } from "../host/index.js";
import { TestCgroup } from "../testing/cgroup.js";
import { describeKernel } from "../testing/kernel.js";
import { ip, TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";
import type { IteratorOptions } from "./iterator.js";

const AF_UNIX = 1;
const NETLINK_ROUTE = 0;

describeKernel("an iterator", () => {
  let host: Linux;
  let veth: VethPair;

  beforeAll(async () => {
    host = await Linux.open();
    veth = new VethPair();
  });
  afterAll(() => {
    host?.close();
    veth?.close();
  });

  /** Numbers that a program of iterators.bpf.c wrote, in a network namespace of the test's own. */
  async function walk(
    name: string,
    options: (maps: Readonly<Record<string, BpfMap>>) => IteratorOptions = () => ({}),
  ): Promise<{ numbers: number[]; ids: { map: number; program: number; link: number } }> {
    using object = await host.load(kernelObject("iterators"), { programs: [name] });
    using link = host.attachIterator(object.program(name), options(object.maps));
    const bytes = new Uint8Array(veth.left.run(() => link.read()));
    const numbers = Array.from(new BigUint64Array(bytes.buffer, 0, bytes.length / 8), Number);
    const map = object.map("sockets").info.id;
    return { numbers, ids: { map, program: object.program(name).id, link: link.id } };
  }

  it("over maps, programs and links finds those that are there", async () => {
    const maps = await walk("walk_maps");
    expect(maps.numbers).toContain(maps.ids.map);
    const programs = await walk("walk_programs");
    expect(programs.numbers).toContain(programs.ids.program);
    const links = await walk("walk_links");
    expect(links.numbers).toContain(links.ids.link);
  });

  it("over tasks takes all, the threads of a process, or one thread", async () => {
    const threads = () => readdirSync("/proc/self/task").map(Number);
    const all = await walk("walk_tasks");
    expect(all.numbers).toEqual(expect.arrayContaining([process.pid, process.ppid]));
    const before = threads();
    const own = await walk("walk_tasks", () => ({ pid: process.pid }));
    const stable = threads().filter((thread) => before.includes(thread));
    expect(own.numbers).toEqual(expect.arrayContaining(stable));
    expect(own.numbers).not.toContain(process.ppid);
    const one = await walk("walk_tasks", () => ({ tid: process.pid }));
    expect(one.numbers).toEqual([process.pid]);
  });

  it("over a process's files and memory finds what /proc shows", async () => {
    const files = await walk("walk_files", () => ({ tid: process.pid }));
    const open = readdirSync("/proc/self/fd").map(Number);
    expect(open.filter((fd) => fd <= 2).every((fd) => files.numbers.includes(fd))).toBe(true);
    const memory = await walk("walk_memory", () => ({ tid: process.pid }));
    const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
    const [stack] = maps.find((line) => line.endsWith("[stack]"))!.split("-");
    // The stack may have grown since; the vdso stays where it is.
    expect(memory.numbers.some((start) => start <= Number.parseInt(stack!, 16))).toBe(true);
    const [vdso] = maps.find((line) => line.endsWith("[vdso]"))!.split("-");
    expect(memory.numbers).toContain(Number.parseInt(vdso!, 16));
  });

  it("over cgroups goes down from one, or up", async () => {
    const cgroup = new TestCgroup();
    try {
      const { ino } = statSync(cgroup.path);
      const self = await walk("walk_cgroups", () => ({ cgroup: { path: cgroup.path, order: "self" } }));
      expect(self.numbers).toEqual([ino]);
      const up = await walk("walk_cgroups", () => ({ cgroup: { path: cgroup.path, order: "ancestors_up" } }));
      expect(up.numbers).toEqual([ino, statSync(`${cgroup.path}/..`).ino]);
    } finally {
      cgroup.close();
    }
  });

  it("over symbols writes text", async () => {
    using object = await host.load(kernelObject("iterators"), { programs: ["walk_symbols"] });
    using link = host.attachIterator(object.program("walk_symbols"));
    expect(link.readText().split("\n")).toContain("bpf_prog_put");
  });

  it("over sockets finds those of the reader's network namespace", async () => {
    const listener = veth.left.run(() => TestSocket.tcp().bind("127.0.0.1", 0).listen());
    const udp = veth.left.run(() => TestSocket.udp().bind("127.0.0.1", 0));
    const unix = veth.left.run(() => TestSocket.open(AF_UNIX, 1));
    const netlink = veth.left.run(() => TestSocket.open(16, 3, NETLINK_ROUTE));
    expect((await walk("walk_tcp")).numbers).toEqual([listener.localPort()]);
    expect((await walk("walk_udp")).numbers).toEqual([udp.localPort()]);
    expect((await walk("walk_netlink")).numbers).toContain(NETLINK_ROUTE);
    // An unbound socket is not in the table that is walked.
    expect((await walk("walk_unix")).numbers.every((family) => family === AF_UNIX)).toBe(true);
    for (const socket of [listener, udp, unix, netlink]) socket.close();
  });

  it("over IPv6 routes finds a route", async () => {
    veth.left.run(() => ip("-6 route add fd00:77::/113 dev left"));
    expect((await walk("walk_routes")).numbers).toContain(113);
  });

  it("over a sockmap and over sockets' storage needs the map, and finds its elements", async () => {
    await expect(walk("walk_sockets")).rejects.toThrow("walks sockmap: give a map to walk");
    await expect(walk("walk_cgroups")).rejects.toThrow("walks cgroup: give a cgroup and an order to walk");
    const socket = veth.left.run(() => TestSocket.udp().bind("127.0.0.1", 0));
    const key = (number: number) => new Uint8Array(Uint32Array.of(number).buffer);
    const inMap = await walk("walk_sockets", ({ sockets }) => {
      (sockets!.raw as LinuxMap).updateFd(key(2), socket.fd);
      return { map: sockets };
    });
    expect(inMap.numbers).toEqual([2]);
    const stored = await walk("walk_storage", ({ storage }) => {
      storage!.raw.update(key(socket.fd), new Uint8Array(BigUint64Array.of(4242n).buffer));
      return { map: storage };
    });
    expect(stored.numbers).toEqual([4242]);
    socket.close();
  });

  it("over slab caches finds sizes, over DMA buffers none where there are none", async () => {
    expect((await walk("walk_caches")).numbers.length).toBeGreaterThan(10);
    expect((await walk("walk_buffers")).numbers).toEqual([]);
  });
});
