import { writeFileSync } from "node:fs";
import type { BpfMap, LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux, type LinuxMap } from "../host/index.js";
import { TestCgroup } from "../testing/cgroup.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually, ip, markedFrame, TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const key = (number: number) => Uint8Array.of(number, 0, 0, 0);

function putSocket(map: BpfMap, index: number, socket: TestSocket): void {
  (map.raw as LinuxMap).updateFd(key(index), socket.fd);
}

describeKernel("programs on sockets and in network namespaces", () => {
  let veth: VethPair;
  let host: Linux;
  let object: LoadedObject;
  const open: TestSocket[] = [];

  beforeAll(async () => {
    veth = new VethPair();
    host = await Linux.open();
    const programs = ["socket_verdict", "to_listener", "to_second", "sk_msg_redirect", "sk_skb_verdict", "sock_ops"];
    programs.push("dissect", "netfilter_drop", "lwt_drop");
    object = await host.load(kernelObject("network"), { programs });
  });
  afterAll(() => {
    for (const socket of open) socket.close();
    host?.close();
    veth?.close();
  });

  const runs = () => Number(object.variables.runs!.get());
  /** A socket of the left namespace. */
  const socket = (make: () => TestSocket) => {
    const made = veth.left.run(make);
    open.push(made);
    return made;
  };
  const arrives = async (to: TestSocket) => {
    let got: Uint8Array | undefined;
    await eventually(() => {
      got = to.receive();
      return got !== undefined;
    }, "data arrives");
    return new TextDecoder().decode(got);
  };
  /** Two ends of a TCP connection. */
  const connection = async () => {
    const listener = socket(() => TestSocket.tcp().bind("127.0.0.1", 0).listen());
    const client = socket(() => TestSocket.tcp().connect("127.0.0.1", listener.localPort()));
    let server: TestSocket | undefined;
    await eventually(() => {
      server = listener.accept();
      return server !== undefined;
    }, "the connection is accepted");
    open.push(server!);
    return [client, server!] as const;
  };

  it("a socket filter decides what a socket receives", async () => {
    const receiver = socket(() => TestSocket.udp().bind("127.0.0.1", 0));
    const sender = socket(() => TestSocket.udp().connect("127.0.0.1", receiver.localPort()));
    const link = host.attachSocketFilter(object.program("socket_verdict"), receiver.fd);
    object.variables.verdict!.set(0);
    const before = runs();
    sender.send("dropped");
    await eventually(() => runs() > before, "the filter runs");
    expect(receiver.receive()).toBeUndefined();
    link.close();
    sender.send("kept");
    expect(await arrives(receiver)).toBe("kept");
  });

  it("a classic filter does too", async () => {
    const receiver = socket(() => TestSocket.udp().bind("127.0.0.1", 0));
    const sender = socket(() => TestSocket.udp().connect("127.0.0.1", receiver.localPort()));
    // ret #0
    const filter = host.attachClassicFilter(Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0), receiver.fd);
    sender.send("dropped");
    filter.close();
    sender.send("kept");
    expect(await arrives(receiver)).toBe("kept");
  });

  it("sk_reuseport chooses the socket", async () => {
    const first = socket(() => TestSocket.udp().sharePort().bind("127.0.0.1", 0));
    const second = socket(() => TestSocket.udp().sharePort().bind("127.0.0.1", first.localPort()));
    putSocket(object.map("group"), 0, first);
    putSocket(object.map("group"), 1, second);
    using _link = host.attachReuseport(object.program("to_second"), first.fd);
    for (let i = 0; i < 8; i++) {
      const sender = socket(() => TestSocket.udp().connect("127.0.0.1", first.localPort()));
      sender.send("to the second");
      expect(await arrives(second)).toBe("to the second");
    }
    expect(first.receive()).toBeUndefined();
  });

  it("sk_lookup finds another port's listener", async () => {
    const listener = socket(() => TestSocket.tcp().bind("127.0.0.1", 0).listen());
    putSocket(object.map("listeners"), 0, listener);
    const link = host.attachNetworkNamespace(object.program("to_listener"), veth.left);
    socket(() => TestSocket.tcp().connect("127.0.0.1", 4242));
    await eventually(() => listener.accept() !== undefined, "the connection is accepted");
    link.close();
    const before = runs();
    socket(() => TestSocket.tcp().connect("127.0.0.1", 4242));
    expect(runs()).toBe(before);
    expect(listener.accept()).toBeUndefined();
  });

  it("sk_msg sends a socket's data to another", async () => {
    const [sender] = await connection();
    const [receiver] = await connection();
    using _link = host.attachSockmap(object.program("sk_msg_redirect"), object.map("streams"));
    putSocket(object.map("streams"), 0, sender);
    putSocket(object.map("streams"), 1, receiver);
    sender.send("by another way");
    expect(await arrives(receiver)).toBe("by another way");
    object.map("streams").delete(key(0));
    object.map("streams").delete(key(1));
  });

  it("sk_skb sends what a socket receives on to another", async () => {
    const [client, proxied] = await connection();
    const [backend, onward] = await connection();
    using _link = host.attachSockmap(object.program("sk_skb_verdict"), object.map("streams"));
    putSocket(object.map("streams"), 0, proxied);
    putSocket(object.map("streams"), 1, onward);
    client.send("through the proxy");
    expect(await arrives(backend)).toBe("through the proxy");
  });

  it("a flow dissector looks into packets", async () => {
    const sender = socket(() => TestSocket.packet("left"));
    const link = host.attachNetworkNamespace(object.program("dissect"), veth.left);
    const before = runs();
    sender.send(markedFrame());
    await eventually(() => runs() > before, "the dissector runs");
    link.close();
    const after = runs();
    sender.send(markedFrame());
    expect(runs()).toBe(after);
  });

  it("a netfilter program drops packets", async () => {
    const receiver = socket(() => TestSocket.udp().bind("127.0.0.1", 0));
    const sender = socket(() => TestSocket.udp().connect("127.0.0.1", receiver.localPort()));
    const options = { family: "ipv4", hook: "input", priority: -100 } as const;
    const link = veth.left.run(() => host.attachNetfilter(object.program("netfilter_drop"), options));
    const before = runs();
    sender.send("dropped");
    await eventually(() => runs() > before, "the program runs");
    link.close();
    sender.send("kept");
    expect(await arrives(receiver)).toBe("kept");
  });

  it("a route drops what goes its way", () => {
    const sender = socket(() => TestSocket.udp());
    const route = { destination: "10.88.0.0/24", device: "left", gateway: "10.77.0.2" };
    const link = veth.left.run(() => host.attachLwt(object.program("lwt_drop"), route));
    expect(veth.left.run(() => ip("route show 10.88.0.0/24"))).toContain("encap bpf xmit");
    const before = runs();
    expect(veth.left.run(() => sender.connect("10.88.0.1", 9)).trySend("dropped")).toBe(false);
    expect(runs()).toBe(before + 1);
    link.close();
    expect(veth.left.run(() => ip("route show 10.88.0.0/24"))).toBe("");
  });

  it("a sockops program is told of connections of a cgroup's processes", async () => {
    const cgroup = new TestCgroup();
    try {
      const link = host.attachCgroup(object.program("sock_ops"), cgroup.path);
      const connect = `const net = require("net");
        const server = net.createServer((s) => s.end()).listen(0, "127.0.0.1", () => {
          net.connect(server.address().port, "127.0.0.1").on("connect", () => (console.log("connected"), process.exit()));
        });`;
      const before = runs();
      expect(veth.left.run(() => cgroup.run(connect))).toBe("connected");
      expect(runs()).toBe(before + 1);
      link.close();
      expect(veth.left.run(() => cgroup.run(connect))).toBe("connected");
      expect(runs()).toBe(before + 1);
    } finally {
      cgroup.close();
    }
  });

  for (const name of ["lwt_out_drop", "lwt_xmit_pass", "lwt_in_drop"]) {
    it(`a route with ${name} runs it for packets on their way`, async () => {
      using hooks = await host.load(kernelObject("hooks"), { programs: [name] });
      const seen = () => Number(hooks.variables.runs!.get());
      const coming = name === "lwt_in_drop";
      const network = coming ? "10.91.0.0/24" : "10.92.0.0/24";
      const sender = socket(() => TestSocket.udp());
      const send = () => veth.left.run(() => sender.connect(network.replace("0/24", "7"), 9)).trySend("on its way");
      // What comes in is for another host, so that it goes a route; what goes out is our own.
      const [router, gateway] = coming ? [veth.right, "10.77.0.1"] : [veth.left, "10.77.0.2"];
      if (coming) {
        veth.right.run(() => writeFileSync("/proc/sys/net/ipv4/ip_forward", "1"));
        veth.left.run(() => ip(`route add ${network} via 10.77.0.2`));
      }
      const device = coming ? "right" : "left";
      const link = router.run(() => host.attachLwt(hooks.program(name), { destination: network, device, gateway }));
      expect(router.run(() => ip(`route show ${network}`))).toContain(`encap bpf ${name.split("_")[1]}`);
      const sent = send();
      expect(sent).toBe(name !== "lwt_out_drop");
      await eventually(() => seen() > 0, "the program runs");
      link.close();
      expect(router.run(() => ip(`route show ${network}`))).toBe("");
    });
  }

  it("take only programs of their type", () => {
    expect(() => host.attachSocketFilter(object.program("lwt_drop"), 0)).toThrow(
      "of type lwt_xmit; a socket takes socket_filter",
    );
  });
});
