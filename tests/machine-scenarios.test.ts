import { readFileSync } from "node:fs";
import { type LoadedObject, Machine, type Namespace, readObject, type TcpSocket } from "@tsbpf/core";
import { buildPacket, ethernet, ipv4, udp } from "@tsbpf/core/packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assembleProgram, mapSpec, u32 } from "../packages/core/src/host/testing/index.js";

const scenarios = readObject(readFileSync(new URL("../testdata/machine/scenarios.bpf.o", import.meta.url)));
const MS = 1_000_000;
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

describe("a network of a Machine", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => machine.close());
  const load = (...programs: string[]): Promise<LoadedObject> => machine.load(scenarios, { programs });

  /** Hosts in 192.168.0.0/24 behind a router, and a server outside that knows no way to them. */
  function behindRouter(count: number) {
    const [router, outside] = [machine.createNamespace("router"), machine.createNamespace("outside")];
    const inside = Array.from({ length: count }, (_, at) => machine.createNamespace(`inside${at}`));
    const ports = inside.map((namespace, at) => {
      const [port] = machine.createVeth({ name: `in${at}`, namespace: router }, { name: "eth0", namespace });
      namespace.addAddress("eth0", `192.168.0.${at + 2}/24`);
      namespace.addRoute("default", { via: "192.168.0.1" });
      return port;
    });
    machine.createBridge("lan", { namespace: router, ports });
    router.addAddress("lan", "192.168.0.1/24");
    machine.createVeth({ name: "wan", namespace: router }, { name: "eth0", namespace: outside });
    router.addAddress("wan", "203.0.113.1/24");
    outside.addAddress("eth0", "203.0.113.9/24");
    router.setForwarding(true);
    return { router, outside, inside };
  }

  async function translate(router: Namespace): Promise<LoadedObject> {
    const object = await load("nat_out", "nat_in");
    object.variables.router_address!.set(0x0171_00cb);
    router.run(() => {
      machine.attachTcx(object.program("nat_out"), "wan", "egress");
      machine.attachTcx(object.program("nat_in"), "wan", "ingress");
    });
    return object;
  }

  it("translates addresses: connections from inside work, those from outside don't", async () => {
    const { router, outside, inside } = behindRouter(3);
    const service = outside.listenTcp(80);
    const first = inside[0]!.createTcp();
    expect(first.connect("203.0.113.9", 80)).toBe(false);
    first.close();
    const object = await translate(router);
    const clients = inside.map((host) => host.connectTcp("203.0.113.9", 80));
    const accepted = clients.map(() => service.accept()!);
    // All of them seem to be the router, each with a port of its own.
    expect(accepted.map((socket) => socket.remoteEnd().address)).toEqual(clients.map(() => "203.0.113.1"));
    expect(new Set(accepted.map((socket) => socket.remoteEnd().port)).size).toBe(3);
    clients.forEach((client, at) => {
      const data = Uint8Array.from({ length: 20_000 }, (_, index) => (index * (at + 3)) & 0xff);
      client.send(data);
      expect(isSame(accepted[at]!.receive()!, data)).toBe(true);
      accepted[at]!.send(bytes(`answer ${at}`));
      expect(text(client.receive())).toBe(`answer ${at}`);
      client.close();
      accepted[at]!.close();
    });
    expect(object.variables.created!.get()).toBe(3n);
    const names = outside.openUdp(53);
    const asking = inside[1]!.openUdp();
    for (const question of ["one", "two"]) {
      asking.send(bytes(question), "203.0.113.9", 53);
      const { address, port } = names.receive()!;
      names.send(bytes(`${question}?`), address, port);
      expect(text(asking.receive()?.data)).toBe(`${question}?`);
    }
    // One connection for both questions; a stranger finds none.
    expect(object.variables.created!.get()).toBe(4n);
    const stranger = outside.openUdp();
    stranger.send(bytes("hello?"), "203.0.113.1", 40_003);
    expect(asking.receive()).toBeUndefined();
    expect(router.device("wan").counters.tcDropped).toBe(1);
  });

  it("splices two connections of a proxy byte for byte", async () => {
    const [client, proxy, backend] = ["client", "proxy", "backend"].map((name) => machine.createNamespace(name));
    machine.createVeth({ name: "eth0", namespace: client! }, { name: "front", namespace: proxy! });
    machine.createVeth({ name: "eth0", namespace: backend! }, { name: "back", namespace: proxy! });
    client!.addAddress("eth0", "10.0.1.2/24");
    proxy!.addAddress("front", "10.0.1.1/24");
    proxy!.addAddress("back", "10.0.2.1/24");
    backend!.addAddress("eth0", "10.0.2.2/24");
    const object = await load("splice");
    machine.attachSockmap(object.program("splice"), object.map("streams"), "sk_skb_verdict");
    const [entrance, service] = [proxy!.listenTcp(80), backend!.listenTcp(8080)];
    const visitor = client!.connectTcp("10.0.1.1", 80);
    const [front, back] = [entrance.accept()!, proxy!.connectTcp("10.0.2.2", 8080)];
    const join = (socket: TcpSocket, index: number, partner: number) => {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setUint32(0, socket.fd, true);
      object.map("streams").raw.update(u32(index), value);
      object.map("partners").update(socket.cookie, partner);
    };
    join(front, 0, 1);
    join(back, 1, 0);
    const server = service.accept()!;
    const [question, answer] = [1, 5].map((factor) =>
      Uint8Array.from({ length: 300_000 }, (_, at) => (at * factor + (at >> 9)) & 0xff),
    );
    visitor.send(question!);
    server.send(answer!);
    expect(isSame(readAll(server), question!)).toBe(true);
    expect(isSame(readAll(visitor), answer!)).toBe(true);
    expect(object.variables.spliced!.get()).toBe(600_000n);
    // Nothing has passed the proxy's user space.
    expect([front.receive(), back.receive()]).toEqual([undefined, undefined]);
    visitor.shutdown();
    expect(text(front.receive())).toBe("");
  });

  it("lets a flood's sender have its rate, and others theirs", async () => {
    const object = await load("limit");
    const host = machine.createNamespace("host");
    const card = host.createCapture("eth0");
    host.addAddress("eth0", "10.0.0.1/24");
    const service = host.openUdp(7);
    host.run(() => machine.attachXdp(object.program("limit"), "eth0"));
    const datagram = (from: number) =>
      buildPacket(
        ethernet({ dst: [...card.mac].map((byte) => byte.toString(16).padStart(2, "0")).join(":") }),
        ipv4({ src: `10.0.0.${from}`, dst: "10.0.0.1" }),
        udp({ src: 4000, dst: 7 }),
        "x",
      );
    const received = () => {
      const counts = new Map<string, number>();
      for (let got = service.receive(); got !== undefined; got = service.receive())
        counts.set(got.address, (counts.get(got.address) ?? 0) + 1);
      return Object.fromEntries(counts);
    };
    const flood = datagram(66);
    for (let at = 0; at < 20_000; at++) card.receive(flood);
    expect(received()).toEqual({ "10.0.0.66": 100 });
    // 250 ms of it, 40 packets a millisecond: one a millisecond gets through.
    for (let at = 0; at < 250; at++) {
      machine.advance(MS);
      for (let packet = 0; packet < 40; packet++) card.receive(flood);
      if (at % 50 === 0) card.receive(datagram(7));
    }
    expect(received()).toEqual({ "10.0.0.66": 250, "10.0.0.7": 5 });
    expect(card.counters.xdpDrop).toBe(19_900 + 250 * 39);
    // Silence fills the bucket again, and no more than that.
    machine.advance(1000 * MS);
    for (let at = 0; at < 500; at++) card.receive(flood);
    expect(received()).toEqual({ "10.0.0.66": 100 });
  });

  it("replaces a cgroup's program while a connection sends, without a packet that meets none", async () => {
    const host = machine.createNamespace("host");
    host.addAddress("lo", "127.0.0.1/8");
    const seen = mapSpec("array", { name: "seen" });
    const map = machine.createMap(seen);
    // Counts in its entry, and lets everything pass.
    const counting = (entry: number) =>
      machine.loadProgram(
        assembleProgram(
          "cgroup_skb",
          `*(u32 *)(r10 - 4) = ${entry}; r1 = map[seen]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
           if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 + 0) += r1; r0 = 1; exit`,
          { maps: { seen } },
        ),
        { maps: { seen: map } },
      );
    const [first, second] = [await counting(0), await counting(1)];
    const link = machine.attachCgroup(first, "/", "cgroup_inet_ingress");
    const service = host.listenTcp(80);
    const near = host.connectTcp("127.0.0.1", 80);
    const far = service.accept()!;
    const data = Uint8Array.from({ length: 400_000 }, (_, at) => (at * 11) & 0xff);
    machine.network.automatic = false;
    near.send(data);
    const received: number[] = [];
    for (let step = 0; machine.network.pending > 0; step++) {
      machine.run(2);
      if (step % 3 === 0) link.update(step % 2 ? first : second);
      for (let piece = far.receive(); piece !== undefined; piece = far.receive()) received.push(...piece);
    }
    expect(isSame(Uint8Array.from(received), data)).toBe(true);
    const value = (entry: number) => Number(new DataView(map.raw.lookup(u32(entry))!.buffer).getBigUint64(0, true));
    expect(Math.min(value(0), value(1))).toBeGreaterThan(0);
    // All segments of both ends, and the SYN that the listening socket got.
    expect(value(0) + value(1)).toBe(near.tcp!.segmentsIn + far.tcp!.segmentsIn + 1);
  });
});

/** Everything that has come, up to now. */
function readAll(socket: TcpSocket): Uint8Array {
  const received: number[] = [];
  for (let piece = socket.receive(); piece !== undefined && piece.length > 0; piece = socket.receive())
    received.push(...piece);
  return Uint8Array.from(received);
}

/** Comparing large arrays by `toEqual` takes seconds. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
