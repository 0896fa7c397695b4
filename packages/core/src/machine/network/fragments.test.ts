import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildPacket, ethernet, ipv4, ipv6, udp } from "../../packet/index.js";
import { Machine, type Namespace } from "../index.js";
import { Fragments, fragment } from "./fragments.js";
import { ipv4Family, ipv6Family } from "./ip-family.js";
import { readPacket } from "./ip-packet.js";

const pattern = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff);

describe("packets in pieces", () => {
  const machine = new Machine();
  const device = machine.createNamespace().loopback;

  it("are whole again, whatever the order of their pieces, and whatever comes twice", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1, max: 9000 }),
        fc.integer({ min: 96, max: 1500 }),
        fc.infiniteStream(fc.nat()),
        (isV6, size, mtu, order) => {
          const family = isV6 ? ipv6Family : ipv4Family;
          const ip = isV6 ? ipv6({ src: "fd00::1", dst: "fd00::2" }) : ipv4({ src: "10.0.0.1", dst: "10.0.0.2" });
          const data = pattern(size);
          const bytes = buildPacket(ethernet(), ip, udp({ src: 1, dst: 2 }), data);
          const pieces = bytes.length - 14 > mtu ? fragment(family, bytes, mtu, 7) : [bytes];
          for (const piece of pieces) expect(piece.length - 14).toBeLessThanOrEqual(mtu);
          const shuffled = pieces
            .map((piece) => ({ piece, key: order.next().value as number }))
            .sort((a, b) => a.key - b.key);
          const fragments = new Fragments();
          const whole = shuffled.map(({ piece }) => fragments.add(readPacket(family, piece, device)!, 0));
          expect(whole.slice(0, -1).every((each) => each === undefined)).toBe(true);
          const { payload, end, bytes: merged, protocol } = whole.at(-1)!;
          expect([protocol, end - payload]).toEqual([17, 8 + size]);
          expect(merged.subarray(payload + 8, end).every((byte, at) => byte === data[at])).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are given up when they overlap, or when the others do not come", () => {
    const bytes = buildPacket(
      ethernet(),
      ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }),
      udp({ src: 1, dst: 2 }),
      pattern(900),
    );
    const [first, second, third] = fragment(ipv4Family, bytes, 400, 7).map(
      (piece) => readPacket(ipv4Family, piece, device)!,
    );
    const fragments = new Fragments();
    const add = (piece: typeof first, now = 0) => fragments.add(piece!, now) !== undefined;
    expect([add(first), add(second), add(first), add(third)]).toEqual([false, false, false, false]);
    const patient = new Fragments();
    patient.add(first!, 0);
    patient.add(second!, 0);
    expect(patient.add(third!, 31_000_000_000)).toBeUndefined();
  });

  it("carry datagrams beyond the MTU, over a router whose way is narrower still", () => {
    const [client, router, server] = ["client", "router", "server"].map((name) => machine.createNamespace(name)) as [
      Namespace,
      Namespace,
      Namespace,
    ];
    machine.createVeth({ name: "eth0", namespace: client }, { name: "one", namespace: router });
    machine.createVeth({ name: "two", namespace: router, mtu: 1000 }, { name: "eth0", namespace: server });
    client.addAddress("eth0", "10.1.0.2/24");
    router.addAddress("one", "10.1.0.1/24");
    router.addAddress("two", "10.2.0.1/24");
    server.addAddress("eth0", "10.2.0.2/24");
    client.addRoute("default", { via: "10.1.0.1" });
    server.addRoute("default", { via: "10.2.0.1" });
    router.setForwarding(true);
    const service = server.openUdp(9);
    const tap = server.openPacketSocket("eth0");
    client.openUdp().send(pattern(4000), "10.2.0.2", 9);
    expect(service.receive()?.data).toEqual(pattern(4000));
    const lengths: number[] = [];
    for (let frame = tap.receive(); frame !== undefined; frame = tap.receive())
      if (frame[13] === 0) lengths.push(frame.length);
    expect(lengths.length).toBeGreaterThan(4);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1014);
  });
});
