import { readFileSync } from "node:fs";
import { type LoadedObject, Machine, type Namespace, type PacketSocket, readObject } from "@tsbpf/core";
import { buildPacket, ethernet, ipv4, tcp } from "@tsbpf/core/packet";
import { beforeEach, describe, expect, it } from "vitest";
import { assembleProgram, mapSpec, u32 } from "../packages/core/src/host/testing/index.js";

const balancerObject = readObject(
  readFileSync(new URL("../examples/load-balancer/load-balancer.bpf.o", import.meta.url)),
);
const SERVERS = 4;
const TABLE = 4099;
const FLOWS = 400;
const clientMac = "02:00:00:00:00:20";
const balancerMac = "02:00:00:00:00:01";
const macOf = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);
const serverMac = (server: number) => macOf(0x0a + server);

/** A client, a balancer and four servers, each a host of its own, around a switch that knows their MAC addresses. */
async function createNetwork(machine: Machine) {
  const fabric = machine.createNamespace("fabric");
  const ports = machine.createMap(mapSpec("devmap_hash", { name: "ports", valueSize: 4 }));
  const source = `r6 = r1; r2 = *(u32 *)(r6 + 0); r3 = *(u32 *)(r6 + 4); r4 = r2; r4 += 14; if r4 > r3 goto 1f
    r2 = *(u8 *)(r2 + 5); r1 = map[ports]; r3 = 1; call bpf_redirect_map; exit
  1: r0 = 1; exit`;
  const spec = assembleProgram("xdp", source, {
    maps: { ports: mapSpec("devmap_hash", { name: "ports", valueSize: 4 }) },
  });
  const forward = await machine.loadProgram(spec, { maps: { ports } });
  const pass = await machine.loadProgram(assembleProgram("xdp", "r0 = 2; exit"));
  const connect = (name: string, mac: Uint8Array): Namespace => {
    const host = machine.createNamespace(name);
    const [port] = machine.createVeth({ name, namespace: fabric }, { name: "eth0", namespace: host, mac });
    machine.attachXdp(forward, port);
    fabric.run(() => ports.raw.update(u32(mac[5]!), u32(port.index)));
    return host;
  };
  const client = connect("client", macOf(0x20));
  const balancer = connect("balancer", macOf(1));
  const servers = Array.from({ length: SERVERS }, (_, at) => connect(`server${at}`, serverMac(at)));
  for (const host of [client, ...servers]) machine.attachXdp(pass, host.device("eth0"));
  return { client, balancer, servers };
}

function configure(object: LoadedObject): void {
  object.map("services").update({ address: 0x5002_00c0, port: 80 << 8, protocol: 6, pad: 0 }, { index: 0 });
  for (let server = 0; server < SERVERS; server++) {
    const address = (0x0a + server) * 2 ** 24 + 0x0a;
    object.map("servers").update(server, { address, mac: serverMac(server), pad: 0 });
  }
  for (let slot = 0; slot < TABLE; slot++) object.map("maglev").update(slot, (slot * 2_654_435_761) % SERVERS);
}

const packetOf = (flow: number) =>
  buildPacket(
    ethernet({ src: clientMac, dst: balancerMac }),
    ipv4({ src: "198.51.100.7", dst: "192.0.2.80" }),
    tcp({ src: 10_000 + flow, dst: 80 }),
    `flow ${flow}`,
  );

describe("a load balancer over four hosts of a Machine", () => {
  let machine: Machine;
  let sender: PacketSocket;
  let arrivals: PacketSocket[];
  let balancer: Namespace;
  beforeEach(async () => {
    machine = new Machine({ cpus: 1 });
    const network = await createNetwork(machine);
    balancer = network.balancer;
    sender = network.client.openPacketSocket("eth0");
    arrivals = network.servers.map((server) => server.openPacketSocket("eth0"));
    return () => machine.close();
  });

  /** The server that each packet has reached, by flow, in the order of their arrival. */
  function take(): Map<number, number[]> {
    const flows = new Map<number, number[]>();
    arrivals.forEach((socket, server) => {
      for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
        // IPIP to this server, from the balancer, around the client's packet.
        expect([...frame.subarray(0, 6), frame[23], ...frame.subarray(26, 34)]).toEqual([
          ...serverMac(server),
          ...[4, 10, 0, 0, 1],
          ...[10, 0, 0, 0x0a + server],
        ]);
        const flow = ((frame[54]! << 8) | frame[55]!) - 10_000;
        flows.set(flow, [...(flows.get(flow) ?? []), server]);
      }
    });
    return flows;
  }

  it("spreads connections over the servers and keeps each with its own", async () => {
    const object = await machine.load(balancerObject);
    configure(object);
    machine.attachXdp(object.program("balance"), balancer.device("eth0"));
    for (let round = 0; round < 3; round++) for (let flow = 0; flow < FLOWS; flow++) sender.send(packetOf(flow));
    const flows = take();
    expect(flows.size).toBe(FLOWS);
    const perServer = new Array<number>(SERVERS).fill(0);
    for (const servers of flows.values()) {
      expect(servers).toEqual([servers[0], servers[0], servers[0]]);
      perServer[servers[0]!]!++;
    }
    expect(Math.min(...perServer)).toBeGreaterThan(FLOWS / SERVERS / 2);
    const traffic = perServer.map(
      (_, server) => object.map("traffic_by_server").lookupPerCpu(server) as { packets: bigint }[],
    );
    expect(traffic.map(([cpu]) => Number(cpu!.packets))).toEqual(perServer.map((count) => count * 3));
  });

  it("is replaced while packets are on their way, without losing one", async () => {
    const first = await machine.load(balancerObject);
    configure(first);
    const second = await machine.load(balancerObject, { maps: first.maps });
    const link = machine.attachXdp(first.program("balance"), balancer.device("eth0"));
    machine.network.automatic = false;
    const sent = FLOWS * 2;
    for (let at = 0; at < sent; at++) {
      sender.enqueue(packetOf(at % FLOWS));
      // A few steps only: frames are at every place of their way when the program changes.
      machine.run(3);
      if (at % 7 === 0) link.update((at % 14 === 0 ? second : first).program("balance"));
    }
    expect(machine.network.pending).toBeGreaterThan(0);
    machine.run();
    const flows = take();
    expect([...flows.values()].reduce((sum, servers) => sum + servers.length, 0)).toBe(sent);
    for (const servers of flows.values()) expect(new Set(servers).size).toBe(1);
  });
});
