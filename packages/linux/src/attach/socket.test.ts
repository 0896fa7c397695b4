import type { BpfMap, LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux, type LinuxMap } from "../host/index.js";
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

  it("take only programs of their type", () => {
    expect(() => host.attachSocketFilter(object.program("lwt_drop"), 0)).toThrow(
      "of type lwt_xmit; a socket takes socket_filter",
    );
  });
});
