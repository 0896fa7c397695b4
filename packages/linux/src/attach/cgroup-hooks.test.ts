import { createRequire } from "node:module";
import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux } from "../host/index.js";
import { TestCgroup } from "../testing/cgroup.js";
import { describeKernel } from "../testing/kernel.js";
import { VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const koffiPath = JSON.stringify(createRequire(import.meta.url).resolve("koffi"));

/** A datagram from one socket of the process to another; `then` sees it and its sender, or undefined after a while. */
const datagram = (then: string) => `
  const { createSocket } = require("dgram");
  const [from, to] = [createSocket("udp4"), createSocket("udp4")];
  const done = (message, sender) => { ${then}; process.exit(); };
  from.on("error", (e) => (console.log(e.code), process.exit()));
  to.on("message", done).bind(0, "127.0.0.1", () => {
    from.bind(4241, "127.0.0.1", () => from.send("x", to.address().port, "127.0.0.1"));
    setTimeout(done, 300);
  });`;

const connected = (then: string) => `
  const net = require("net");
  const server = net.createServer(() => {}).listen(4240, "127.0.0.1", () => {
    const socket = net.connect(4240, "127.0.0.1").on("connect", () => { ${then}; process.exit(); });
  });`;

/** What a process of the cgroup says without the program, and with it. */
const hooks = [
  [
    "ingress",
    "keeps packets from coming in",
    datagram(`console.log(message ? "received" : "nothing")`),
    "received",
    "nothing",
  ],
  ["recvmsg", "changes whom a message is from", datagram("console.log(sender && sender.port)"), "4241", "4242"],
  [
    "sendmsg",
    "keeps messages from being sent",
    `const socket = require("dgram").createSocket("udp4");
      socket.send("x", 4242, "127.0.0.1", (e) => (console.log(e ? e.code : "sent"), socket.close()));`,
    "sent",
    "EPERM",
  ],
  [
    "post_bind",
    "refuses a port that was bound",
    `const server = require("net").createServer().on("error", (e) => console.log(e.code));
      server.listen(4242, "127.0.0.1", () => (console.log("bound"), server.close()));`,
    "bound",
    "EPERM",
  ],
  ["getpeername", "changes whom a socket is connected to", connected("console.log(socket.remotePort)"), "4240", "4242"],
  ["getsockname", "changes where a socket listens", connected("console.log(server.address().port)"), "4240", "4242"],
  [
    "connect_unix",
    "keeps processes from connecting",
    `const net = require("net");
      const server = net.createServer(() => {}).listen("\\0tsbpf-" + process.pid, () => {
        net.connect("\\0tsbpf-" + process.pid)
          .on("connect", () => (console.log("connected"), process.exit()))
          .on("error", (e) => (console.log(e.code), process.exit()));
      });`,
    "connected",
    "EPERM",
  ],
  [
    "getsockopt",
    "keeps a socket option from being read",
    `const koffi = require(${koffiPath}); const lib = koffi.load(null);
      const fd = lib.func("int socket(int, int, int)")(2, 1, 0);
      console.log(lib.func("int getsockopt(int, int, int, _Out_ int *, _Inout_ uint *)")(fd, 1, 12, [0], [4]));`,
    "0",
    "-1",
  ],
] as const;

describeKernel("more programs on cgroups", () => {
  let veth: VethPair;
  let cgroup: TestCgroup;
  let host: Linux;
  let object: LoadedObject;

  beforeAll(async () => {
    veth = new VethPair();
    cgroup = new TestCgroup();
    host = await Linux.open();
    object = await host.load(kernelObject("cgroup"));
  });
  afterAll(() => {
    host?.close();
    cgroup?.close();
    veth?.close();
  });

  for (const [program, does, script, free, hooked] of hooks) {
    it(`${program} ${does}`, () => {
      const run = () => veth.left.run(() => cgroup.run(script));
      const link = host.attachCgroup(object.program(program), cgroup.path);
      expect(run()).toBe(hooked);
      link.close();
      expect(run()).toBe(free);
    });
  }

  it("sock_release sees sockets go", () => {
    using _link = host.attachCgroup(object.program("sock_release"), cgroup.path);
    veth.left.run(() => cgroup.run(`const s = require("dgram").createSocket("udp4"); s.bind(() => s.close())`));
    expect(Number(object.variables.released!.get())).toBeGreaterThan(0);
  });
});
