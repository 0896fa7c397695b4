import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux } from "../host/index.js";
import { TestCgroup } from "../testing/cgroup.js";
import { describeKernel } from "../testing/kernel.js";
import { VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const koffiPath = JSON.stringify(createRequire(import.meta.url).resolve("koffi"));

/** What a process of the cgroup does, and what it says before, under and after the program. */
const hooks = [
  {
    program: "cgroup_connect",
    does: "sends connections elsewhere",
    script: `const net = require("net");
      const server = net.createServer((s) => s.end()).listen(4243, "127.0.0.1", () => {
        net.connect(4242, "127.0.0.1")
          .on("connect", () => (console.log("connected"), process.exit()))
          .on("error", (e) => (console.log(e.code), process.exit()));
      });`,
    free: "ECONNREFUSED",
    hooked: "connected",
  },
  {
    program: "cgroup_bind",
    does: "keeps a port from being bound",
    script: `const server = require("net").createServer().on("error", (e) => console.log(e.code));
      server.listen(4242, "127.0.0.1", () => (console.log("bound"), server.close()));`,
    free: "bound",
    hooked: "EPERM",
  },
  {
    program: "cgroup_sock_create",
    does: "keeps sockets from being made",
    script: `const socket = require("dgram").createSocket("udp4").on("error", (e) => (console.log(e.code), process.exit()));
      socket.bind(0, "127.0.0.1", () => (console.log("made"), socket.close()));`,
    free: "made",
    hooked: "EPERM",
  },
  {
    program: "cgroup_egress",
    does: "keeps packets from leaving",
    script: `const socket = require("dgram").createSocket("udp4");
      socket.send("x", 9, "127.0.0.1", (e) => (console.log(e ? e.code : "sent"), socket.close()));`,
    free: "sent",
    hooked: "EPERM",
  },
  {
    program: "cgroup_sysctl",
    does: "keeps sysctls from being written",
    script: `try { require("fs").writeFileSync("/proc/sys/net/ipv4/ip_forward", "0"); console.log("written"); }
      catch (e) { console.log(e.code); }`,
    free: "written",
    hooked: "EPERM",
  },
  {
    program: "cgroup_device",
    does: "keeps a device from being opened",
    script: `try { require("fs").openSync("/dev/zero"); console.log("opened"); } catch (e) { console.log(e.code); }`,
    free: "opened",
    hooked: "EPERM",
  },
  {
    program: "cgroup_setsockopt",
    does: "keeps a socket option from being set",
    script: `const koffi = require(${koffiPath}); const lib = koffi.load(null);
      const fd = lib.func("int socket(int, int, int)")(2, 1, 0);
      console.log(lib.func("int setsockopt(int, int, int, int *, uint)")(fd, 1, 12, [1], 4));`,
    free: "0",
    hooked: "-1",
  },
];

describeKernel("programs on cgroups", () => {
  let veth: VethPair;
  let cgroup: TestCgroup;
  let host: Linux;
  let object: LoadedObject;

  beforeAll(async () => {
    veth = new VethPair();
    cgroup = new TestCgroup();
    host = await Linux.open();
    const programs = hooks.map(({ program }) => program);
    object = await host.load(kernelObject("network"), { programs });
  });
  afterAll(() => {
    host?.close();
    cgroup?.close();
    veth?.close();
  });

  for (const { program, does, script, free, hooked } of hooks) {
    it(`${program} ${does}`, () => {
      const run = () => veth.left.run(() => cgroup.run(script));
      const link = host.attachCgroup(object.program(program), cgroup.path);
      const tree = JSON.parse(execFileSync("bpftool", ["-j", "cgroup", "show", cgroup.path], { encoding: "utf8" }));
      expect(tree).toEqual([expect.objectContaining({ id: object.program(program).id })]);
      expect(run()).toBe(hooked);
      link.close();
      expect(run()).toBe(free);
    });
  }

  it("need a cgroup v2 folder", () => {
    expect(() => host.attachCgroup(object.program("cgroup_bind"), "/tmp")).toThrow("EBADF");
    expect(() => host.attachCgroup(object.program("cgroup_bind"), "/nowhere")).toThrow("ENOENT");
  });
});
