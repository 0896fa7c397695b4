import { describe, expect, it } from "vitest";
import { assembleProgram } from "../../host/testing/index.js";
import { buildPacket, ethernet, formatMac } from "../../packet/index.js";
import { Machine } from "../index.js";

const CONTRACT_TYPE = 0x88b5;

/** Hosts on one bridge, each with 10.0.0.n. */
function bridged(count: number) {
  const machine = new Machine();
  const middle = machine.createNamespace("middle");
  const hosts = Array.from({ length: count }, (_, at) => machine.createNamespace(`host${at}`));
  const ports = hosts.map((namespace, at) => {
    const [port] = machine.createVeth({ name: `port${at}`, namespace: middle }, { name: "eth0", namespace });
    namespace.addAddress("eth0", `10.0.0.${at + 1}/24`);
    return port;
  });
  const bridge = machine.createBridge("br0", { namespace: middle, ports });
  return { machine, middle, hosts, ports, bridge };
}

describe("a bridge", () => {
  it("joins its ports, learns where stations are, and has an address of its own", () => {
    const { middle, hosts, ports } = bridged(3);
    const tap = hosts[2]!.openPacketSocket("eth0");
    expect(hosts[0]!.ping("10.0.0.2")).toBe(true);
    // The question for the address reached everybody, the answer and what followed did not.
    const heard: number[] = [];
    for (let frame = tap.receive(); frame !== undefined; frame = tap.receive())
      heard.push((frame[12]! << 8) | frame[13]!);
    expect(heard).toEqual([0x0806]);
    middle.addAddress("br0", "10.0.0.254/24");
    expect(hosts[1]!.ping("10.0.0.254")).toBe(true);
    expect(middle.ping("10.0.0.3")).toBe(true);
    expect(ports[0]!.counters.txPackets).toBeGreaterThan(0);
  });

  it("forgets stations after five minutes, keeps what is the link's own, and gives ports back", () => {
    const { machine, hosts, ports, bridge } = bridged(3);
    const [one, two, three] = hosts.map((host) => host.openPacketSocket("eth0"));
    const macs = hosts.map((host) => formatMac(host.device("eth0").mac));
    const frame = (src: string, dst: string) =>
      buildPacket(ethernet({ src, dst, etherType: CONTRACT_TYPE }), new Uint8Array(46));
    const seen = () => [one!, two!, three!].map((tap) => (tap.receive() === undefined ? 0 : 1));
    two!.send(frame(macs[1]!, macs[0]!));
    expect(seen()).toEqual([1, 0, 1]);
    one!.send(frame(macs[0]!, macs[1]!));
    expect(seen()).toEqual([0, 1, 0]);
    machine.advance(301_000_000_000);
    one!.send(frame(macs[0]!, macs[1]!));
    expect(seen()).toEqual([0, 1, 1]);
    one!.send(frame(macs[0]!, "01:80:c2:00:00:00"));
    expect(seen()).toEqual([0, 0, 0]);
    bridge.removePort(ports[2]!);
    one!.send(frame(macs[0]!, "ff:ff:ff:ff:ff:ff"));
    expect(seen()).toEqual([0, 1, 0]);
    expect(() => bridge.addPort(ports[0]!)).toThrow("EBUSY");
    expect(() => bridge.addPort(bridge)).toThrow("ELOOP");
    expect(() => bridge.addPort(hosts[0]!.device("eth0"))).toThrow("EINVAL");
  });

  it("forwards what tc lets out of its ports", async () => {
    const { machine, middle, hosts } = bridged(2);
    expect(hosts[0]!.ping("10.0.0.2")).toBe(true);
    using drop = await machine.loadProgram(assembleProgram("sched_cls", "r0 = 2; exit"));
    const link = middle.run(() => machine.attachTcx(drop, "port1", "egress"));
    expect(hosts[0]!.ping("10.0.0.2")).toBe(false);
    link.close();
    expect(hosts[0]!.ping("10.0.0.2")).toBe(true);
  });
});

describe("a VLAN's device", () => {
  it("tags what goes out, takes what comes in, and keeps VLANs apart", () => {
    const machine = new Machine();
    const [one, two] = [machine.createNamespace("one"), machine.createNamespace("two")];
    const ends = machine.createVeth({ name: "eth0", namespace: one }, { name: "eth0", namespace: two });
    for (const [end, last] of [
      [ends[0], 1],
      [ends[1], 2],
    ] as const) {
      machine.createVlan("red", end, 10);
      machine.createVlan("blue", end, 20);
      end.namespace.addAddress("red", `10.0.10.${last}/24`);
      end.namespace.addAddress("blue", `10.0.20.${last}/24`);
      end.namespace.addAddress("eth0", `10.0.0.${last}/24`);
    }
    const tap = two.openPacketSocket("eth0");
    for (const address of ["10.0.0.2", "10.0.10.2", "10.0.20.2"]) expect(one.ping(address), address).toBe(true);
    const tags = new Set<string>();
    for (let frame = tap.receive(); frame !== undefined; frame = tap.receive())
      tags.add(frame[12] === 0x81 ? `${frame[15]}` : "none");
    expect([...tags].sort()).toEqual(["10", "20", "none"]);
    expect(() => machine.createVlan("again", ends[0], 10)).toThrow("EEXIST");
    expect(() => machine.createVlan("beyond", ends[0], 4095)).toThrow("ERANGE");
    // Nobody takes this one.
    machine.createVlan("lonely", ends[0], 30);
    one.addAddress("lonely", "10.0.30.1/24");
    expect(one.ping("10.0.30.2")).toBe(false);
  });

  it("carries connections", () => {
    const machine = new Machine();
    const [one, two] = [machine.createNamespace("one"), machine.createNamespace("two")];
    const [left, right] = machine.createVeth({ name: "eth0", namespace: one }, { name: "eth0", namespace: two });
    machine.createVlan("vlan7", left, 7);
    machine.createVlan("vlan7", right, 7);
    one.addAddress("vlan7", "10.0.7.1/24");
    two.addAddress("vlan7", "10.0.7.2/24");
    const listener = two.listenTcp(80);
    const near = one.connectTcp("10.0.7.2", 80);
    near.send(new Uint8Array(5000).fill(7));
    expect(listener.accept()?.receive()).toEqual(new Uint8Array(5000).fill(7));
  });
});
