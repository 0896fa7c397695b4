import { beforeEach, describe, expect, it } from "vitest";
import { assembleProgram } from "../../host/testing/index.js";
import { buildPacket, describePacket, ethernet, formatMac, ipv4, udp } from "../../packet/index.js";
import { Machine, type Namespace } from "../index.js";

const text = (bytes: Uint8Array | undefined) => String.fromCharCode(...(bytes ?? []));
const bytes = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

describe("a namespace's stack", () => {
  let machine: Machine;
  let client: Namespace;
  let router: Namespace;
  let server: Namespace;
  beforeEach(() => {
    machine = new Machine();
    [client, router, server] = ["client", "router", "server"].map((name) => machine.createNamespace(name)) as [
      Namespace,
      Namespace,
      Namespace,
    ];
    machine.createVeth({ name: "eth0", namespace: client }, { name: "one", namespace: router });
    machine.createVeth({ name: "eth0", namespace: server }, { name: "two", namespace: router });
    client.addAddress("eth0", "10.1.0.2/24");
    router.addAddress("one", "10.1.0.1/24");
    router.addAddress("two", "10.2.0.1/24");
    server.addAddress("eth0", "10.2.0.2/24");
    client.addRoute("default", { via: "10.1.0.1" });
    server.addRoute("default", { via: "10.2.0.1" });
    client.addAddress("eth0", "fd01::2/64");
    router.addAddress("one", "fd01::1/64");
    router.addAddress("two", "fd02::1/64");
    server.addAddress("eth0", "fd02::2/64");
    client.addRoute("default", { via: "fd01::1" });
    server.addRoute("fd01::/64", { via: "fd02::1", device: "eth0" });
  });

  it("finds neighbours and answers echo requests, by both versions of IP", () => {
    for (const address of ["10.1.0.1", "10.1.0.2", "10.2.0.1", "fd01::1", "fd01::2"]) {
      expect(client.ping(address), address).toBe(true);
    }
    expect(client.ping("10.1.0.77")).toBe(false);
    expect(client.tables.neighbours.map(({ mac }) => formatMac(mac))).toEqual([
      formatMac(router.device("one").mac),
      formatMac(router.device("one").mac),
    ]);
    expect(() => router.ping("192.0.2.1")).toThrow("ENETUNREACH");
  });

  it("forwards when it is told to, and says when packets have been on their way for too long", () => {
    expect(client.ping("10.2.0.2")).toBe(false);
    router.setForwarding(true);
    expect(client.ping("10.2.0.2")).toBe(true);
    expect(client.ping("fd02::2")).toBe(true);
    using tap = client.openPacketSocket("eth0");
    const mac = formatMac(router.device("one").mac);
    const src = formatMac(client.device("eth0").mac);
    const ip = ipv4({ src: "10.1.0.2", dst: "10.2.0.2", ttl: 1 });
    tap.send(buildPacket(ethernet({ src, dst: mac }), ip, udp({ src: 1, dst: 2 }), "late"));
    expect(describePacket(tap.receive()!)).toContain("10.1.0.1 > 10.1.0.2");
    tap.send(buildPacket(ethernet({ src, dst: mac }), ipv4({ src: "10.1.0.2", dst: "192.0.2.1" }), "x"));
    expect(tap.receive()?.subarray(34, 36)).toEqual(Uint8Array.of(3, 0));
  });

  it("carries datagrams between sockets, and says where there is none", () => {
    router.setForwarding(true);
    using service = server.openUdp(53);
    using asking = client.openUdp();
    asking.send(bytes("question"), "10.2.0.2", 53);
    const { address, port, data } = service.receive()!;
    expect([address, port, text(data)]).toEqual(["10.1.0.2", asking.localPort, "question"]);
    service.send(bytes("answer"), address, port);
    expect(text(asking.receive()?.data)).toBe("answer");
    using tap = client.openPacketSocket("eth0");
    asking.send(bytes("nobody"), "10.2.0.2", 54);
    expect(tap.receive()!.length).toBe(14 + 20 + 8 + 6);
    expect(tap.receive()!.subarray(34, 36)).toEqual(Uint8Array.of(3, 3));
    expect(() => server.openUdp(53)).toThrow("EADDRINUSE");
    expect(() => server.openUdp(53, "10.9.9.9")).toThrow("EADDRNOTAVAIL");
    expect(() => asking.send(new Uint8Array(15_973), "10.2.0.2", 53)).toThrow("EMSGSIZE");
    using wide = server.openUdp(53, "::");
    using narrow = client.openUdp(0, "::");
    narrow.send(bytes("six"), "fd02::2", 53);
    expect(text(wide.receive()?.data)).toBe("six");
  });

  it("is what lookups of programs are answered from", async () => {
    router.setForwarding(true);
    client.ping("10.2.0.2");
    const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); r8 = *(u32 *)(r6 + 4); r1 = r7; r1 += 34; if r1 > r8 goto pass
      r1 = *(u16 *)(r7 + 12); if r1 != 0x0008 goto pass
      r2 = r10; r2 += -64; r3 = 0; r4 = r10
    1: *(u64 *)(r2 + 0) = r3; r2 += 8; if r2 != r4 goto 1b
      *(u8 *)(r10 - 64) = 2; r1 = *(u32 *)(r6 + 12); *(u32 *)(r10 - 56) = r1
      r1 = *(u32 *)(r7 + 26); *(u32 *)(r10 - 48) = r1; r1 = *(u32 *)(r7 + 30); *(u32 *)(r10 - 32) = r1
      r1 = r6; r2 = r10; r2 += -64; r3 = 64; r4 = 0; call bpf_fib_lookup
      if r0 != 0 goto pass
      r1 = *(u32 *)(r10 - 6); *(u32 *)(r7 + 0) = r1; r1 = *(u16 *)(r10 - 2); *(u16 *)(r7 + 4) = r1
      r1 = *(u32 *)(r10 - 12); *(u32 *)(r7 + 6) = r1; r1 = *(u16 *)(r10 - 8); *(u16 *)(r7 + 10) = r1
      r1 = *(u32 *)(r10 - 56); r2 = 0; call bpf_redirect; exit
    pass: r0 = 2; exit`;
    using forward = await machine.loadProgram(assembleProgram("xdp", source), { verify: false });
    using peer = await machine.loadProgram(assembleProgram("xdp", "r0 = 2; exit"));
    for (const device of ["one", "two"]) router.run(() => machine.attachXdp(forward, device));
    for (const namespace of [client, server]) namespace.run(() => machine.attachXdp(peer, "eth0"));
    const before = router.device("one").counters.xdpRedirect;
    expect(client.ping("10.2.0.2")).toBe(true);
    expect(router.device("one").counters.xdpRedirect).toBe(before + 1);
    expect(router.device("two").counters).toMatchObject({ xdpRedirect: 1, xdpRedirectErrors: 0 });
  });

  it("writes the neighbour's address for bpf_redirect_neigh", async () => {
    const two = router.device("two").index;
    const one = router.device("one").index;
    const load = (index: number) =>
      machine.loadProgram(
        assembleProgram(
          "sched_cls",
          `r1 = *(u32 *)(r1 + 16); if r1 != 8 goto 1f
          r1 = ${index}; r2 = 0; r3 = 0; r4 = 0; call bpf_redirect_neigh; exit
        1: r0 = 0; exit`,
        ),
      );
    using there = await load(two);
    using back = await load(one);
    router.run(() => machine.attachTcx(there, "one", "ingress"));
    router.run(() => machine.attachTcx(back, "two", "ingress"));
    expect(client.ping("10.2.0.2")).toBe(true);
  });

  it("gives packets their socket's mark and priority, which tc sees", async () => {
    const source =
      "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 32); r0 = 2; if r2 != 7 goto +2; if r3 != 3 goto +1; r0 = 0; exit";
    using program = await machine.loadProgram(assembleProgram("sched_cls", source));
    using service = router.openUdp(9);
    using socket = client.openUdp();
    client.ping("10.1.0.1");
    client.run(() => machine.attachTcx(program, "eth0", "egress"));
    socket.send(bytes("plain"), "10.1.0.1", 9);
    socket.mark = 7;
    socket.priority = 3;
    socket.send(bytes("marked"), "10.1.0.1", 9);
    expect(text(service.receive()?.data)).toBe("marked");
    expect(service.receive()).toBeUndefined();
  });
});
