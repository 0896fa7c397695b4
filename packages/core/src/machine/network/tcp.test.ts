import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { tcpState } from "../../abi/index.js";
import { assembleProgram } from "../../host/testing/index.js";
import { buildPacket, ethernet, formatMac, ipv4, tcp } from "../../packet/index.js";
import { Machine, type Namespace, type TcpSocket } from "../index.js";
import { joinedNamespaces } from "../testing/joined-namespaces.js";

const SECOND = 1_000_000_000;
const text = (bytes: Uint8Array | undefined) => bytes && String.fromCharCode(...bytes);
const bytes = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
const pattern = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff);

/** Everything that has come, up to now. */
function readAll(socket: TcpSocket): Uint8Array {
  const pieces: number[] = [];
  for (let piece = socket.receive(); piece !== undefined && piece.length > 0; piece = socket.receive())
    for (const byte of piece) pieces.push(byte);
  return Uint8Array.from(pieces);
}

/** Comparing large arrays by `toEqual` takes seconds. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

describe("TCP", () => {
  let machine: Machine;
  let client: Namespace;
  let server: Namespace;
  beforeEach(() => {
    machine = new Machine();
    ({ client, server } = joinedNamespaces(machine));
  });

  /** Both ends of a connection. */
  const connect = (address = "10.0.0.2") => {
    const listener = server.listenTcp(80, address.includes(":") ? "::" : "0.0.0.0");
    const near = client.connectTcp(address, 80);
    return { listener, near, far: listener.accept()! };
  };

  it.each(["10.0.0.2", "fd00::2"])("connects to %s, carries bytes both ways, and ends", (address) => {
    const { near, far, listener } = connect(address);
    expect([near.state, far.state]).toEqual([tcpState.established, tcpState.established]);
    expect(far.remoteEnd()).toEqual(near.localEnd());
    expect(near.remoteEnd()).toEqual({ address, port: 80 });
    expect(near.receive()).toBeUndefined();
    expect(near.send(bytes("question"))).toBe(8);
    expect(text(far.receive(5))).toBe("quest");
    expect(text(far.receive())).toBe("ion");
    far.send(bytes("answer"));
    near.shutdown();
    expect([near.state, far.state]).toEqual([tcpState.finWait2, tcpState.closeWait]);
    expect(text(far.receive())).toBe("");
    far.send(bytes(" and more"));
    far.close();
    expect(text(near.receive())).toBe("answer and more");
    expect(text(near.receive())).toBe("");
    expect(near.state).toBe(tcpState.timeWait);
    near.close();
    listener.close();
    machine.advance(60 * SECOND);
    expect(client.tables.sockets).toEqual([]);
    expect(server.tables.sockets).toEqual([]);
  });

  it("connects a namespace to itself", () => {
    const listener = server.listenTcp(0);
    const near = server.connectTcp("10.0.0.2", listener.localPort);
    near.send(bytes("to myself"));
    expect(text(listener.accept()?.receive())).toBe("to myself");
  });

  it("refuses where nobody listens, and says when it is used wrongly", () => {
    expect(() => client.connectTcp("10.0.0.2", 81)).toThrow("ECONNREFUSED");
    expect(() => client.connectTcp("192.0.2.1", 81)).toThrow("ENETUNREACH");
    expect(() => client.createTcp(6).connect("10.0.0.2", 80)).toThrow("EAFNOSUPPORT");
    const socket = client.createTcp();
    expect(() => socket.send(bytes("x"))).toThrow("ENOTCONN");
    expect(() => socket.accept()).toThrow("EINVAL");
    const { near, listener } = connect();
    expect(() => near.connect("10.0.0.2", 80)).toThrow("EISCONN");
    expect(() => server.listenTcp(80)).toThrow("EADDRINUSE");
    near.shutdown();
    expect(() => near.send(bytes("x"))).toThrow("EPIPE");
    near.close();
    expect(() => near.receive()).toThrow("EBADF");
    // One more than the backlog is let in, as the kernel does; the next has to try again.
    listener.close();
    const small = server.listenTcp(82, "0.0.0.0", 0);
    const [first, second] = [client.connectTcp("10.0.0.2", 82), client.connectTcp("10.0.0.2", 82)];
    expect([first.state, second.state]).toEqual([tcpState.established, tcpState.synSent]);
    expect(small.accept()).toBeDefined();
    machine.advance(SECOND);
    expect(second.state).toBe(tcpState.established);
  });

  it("tells the other side when bytes are lost that nobody read", () => {
    const { near, far } = connect();
    near.send(bytes("unread"));
    far.close();
    expect(() => near.receive()).toThrow("ECONNRESET");
    expect(() => near.send(bytes("x"))).toThrow("ECONNRESET");
    expect(() => near.send(bytes("x"))).toThrow("EPIPE");
  });

  it("carries more than the windows hold, as fast as the reader reads", () => {
    const { near, far } = connect();
    const data = pattern(1_000_000);
    expect(near.send(data)).toBe(data.length);
    // What the reader has no room for stays with the sender.
    expect(near.connection.waiting).toBeGreaterThan(800_000);
    near.shutdown();
    expect(isSame(readAll(far), data)).toBe(true);
    expect(text(far.receive())).toBe("");
  });

  it("asks again for a window that stays shut, and gives up on a peer that doesn't answer", () => {
    const { near, far } = connect();
    near.send(pattern(200_000));
    server.device("eth0").up = false;
    const first = far.receive(100_000)!;
    server.device("eth0").up = true;
    machine.advance(5 * SECOND);
    expect(first.length + readAll(far).length).toBe(200_000);
    server.device("eth0").up = false;
    near.send(bytes("lost"));
    machine.advance(2000 * SECOND);
    expect(near.state).toBe(tcpState.close);
    expect(() => near.receive()).toThrow("ETIMEDOUT");
    const late = client.createTcp();
    expect(late.connect("10.0.0.2", 80)).toBe(false);
    machine.advance(127 * SECOND);
    expect(() => late.receive()).toThrow("ETIMEDOUT");
  });

  it("takes smaller segments where the way is narrower than the devices", () => {
    const router = machine.createNamespace("router");
    const far = machine.createNamespace("far");
    machine.createVeth({ name: "one", namespace: router }, { name: "eth1", namespace: client });
    machine.createVeth({ name: "two", namespace: router, mtu: 600 }, { name: "eth0", namespace: far, mtu: 1500 });
    client.addAddress("eth1", "10.1.0.1/24");
    router.addAddress("one", "10.1.0.2/24");
    router.addAddress("two", "10.2.0.1/24");
    far.addAddress("eth0", "10.2.0.2/24");
    client.addRoute("10.2.0.0/24", { via: "10.1.0.2" });
    far.addRoute("default", { via: "10.2.0.1" });
    router.setForwarding(true);
    const listener = far.listenTcp(80);
    const near = client.connectTcp("10.2.0.2", 80);
    const data = pattern(5000);
    near.send(data);
    expect(isSame(readAll(listener.accept()!), data)).toBe(true);
    expect(near.connection.maximumSegment).toBe(560);
  });

  it("goes on whatever segments come from elsewhere, unless they hit the very next number", () => {
    const { near, far } = connect();
    near.send(bytes("before "));
    const wire = client.openPacketSocket("eth0");
    const [src, dst] = [formatMac(client.device("eth0").mac), formatMac(server.device("eth0").mac)];
    const forged = fc.record({
      seq: fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: -70_000, max: 70_000 }).map((near) => (far.connection.receiveNext + near) >>> 0),
      ),
      ack: fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: -70_000, max: 70_000 }).map((near) => (far.connection.sendNext + near) >>> 0),
      ),
      flags: fc.subarray(["fin", "syn", "rst", "psh", "ack", "urg"] as const),
      window: fc.integer({ min: 0, max: 65_535 }),
      options: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(forged, fc.uint8Array({ maxLength: 40 }), ({ seq, ...rest }, options) => {
        // What is next may well be the next: such a forgery counts (RFC 5961 asks no more than that).
        if (seq === far.connection.receiveNext) return;
        const header = tcp({ src: near.localPort, dst: 80, seq, ...rest, flags: [...rest.flags], options });
        const ip = ipv4({ src: "10.0.0.1", dst: "10.0.0.2" });
        wire.send(buildPacket(ethernet({ src, dst }), ip, header));
        expect(far.state).toBe(tcpState.established);
      }),
      { numRuns: 400 },
    );
    expect(far.connection.error).toBe(0);
    expect(near.state).toBe(tcpState.established);
    near.send(bytes("and after"));
    expect(text(readAll(far))).toBe("before and after");
  });

  it("brings every byte in its order over a wire that loses, doubles and holds back frames", async () => {
    // Decides by the random number of the frame: 1 in 8 lost, 1 in 8 sent twice.
    const source = `r6 = r1; call bpf_get_prandom_u32; r0 &= 7; if r0 == 0 goto drop; if r0 != 1 goto pass
      r1 = r6; r2 = *(u32 *)(r6 + 40); r3 = 1; call bpf_clone_redirect
    pass: r0 = 0; exit
    drop: r0 = 2; exit`;
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 20_000 }), async (seed, size) => {
        using box = new Machine({ seed });
        const [a, b] = [box.createNamespace("a"), box.createNamespace("b")];
        box.createVeth({ name: "eth0", namespace: a }, { name: "eth0", namespace: b });
        a.addAddress("eth0", "10.0.0.1/24");
        b.addAddress("eth0", "10.0.0.2/24");
        a.ping("10.0.0.2");
        using lossy = await box.loadProgram(assembleProgram("sched_cls", source));
        const links = [a, b].map((namespace) => namespace.run(() => box.attachTcx(lossy, "eth0", "egress")));
        const listener = b.listenTcp(80);
        const near = a.connectTcp("10.0.0.2", 80);
        const data = pattern(size);
        const received: number[] = [];
        let sent = false;
        let far: TcpSocket | undefined;
        for (let round = 0; round < 400 && received.length < size; round++) {
          box.advance(SECOND / 2);
          if (!sent && near.state === tcpState.established) {
            near.send(data);
            near.shutdown();
            sent = true;
          }
          far ??= listener.accept();
          if (far !== undefined) received.push(...readAll(far));
        }
        expect(isSame(Uint8Array.from(received), data)).toBe(true);
        for (const link of links) link.close();
      }),
      { numRuns: 6 },
    );
  });
});
