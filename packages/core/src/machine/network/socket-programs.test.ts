import { beforeEach, describe, expect, it } from "vitest";
import type { AttachType, ProgramType } from "../../abi/index.js";
import { findMember } from "../../btf/index.js";
import type { BpfMap } from "../../host/index.js";
import { count, note, noted, seenSpec } from "../../host/testing/device-steps.js";
import { assembleProgram, mapSpec, u32 } from "../../host/testing/index.js";
import { loadKernelTypes } from "../../kernel-types/index.js";
import { buildPacket, ethernet, ipv4, tcp } from "../../packet/index.js";
import type { MapSpec } from "../../spec/index.js";
import { Machine, type MachineOptions, type Namespace } from "../index.js";

const SECOND = 1_000_000_000;
const bytes = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
const text = (data: Uint8Array | undefined) => data && String.fromCharCode(...data);

describe("programs on sockets of a Machine", () => {
  let machine: Machine;
  let client: Namespace;
  let server: Namespace;
  let seen: BpfMap;
  const start = (options: MachineOptions = {}) => {
    machine = new Machine(options);
    client = machine.createNamespace("client");
    server = machine.createNamespace("server");
    machine.createVeth({ name: "eth0", namespace: client }, { name: "eth0", namespace: server });
    client.addAddress("eth0", "10.0.0.1/24");
    server.addAddress("eth0", "10.0.0.2/24");
    seen = machine.createMap(seenSpec);
  };
  beforeEach(() => start());

  const load = (
    type: ProgramType,
    attachType: AttachType | undefined,
    source: string,
    more: { readonly specs?: Readonly<Record<string, MapSpec>>; readonly maps?: Readonly<Record<string, BpfMap>> } = {},
  ) =>
    machine.loadProgram(
      { ...assembleProgram(type, source, { maps: { seen: seenSpec, ...more.specs } }), attachType },
      { maps: { seen, ...more.maps } },
    );

  it("bpf_sk_assign at tc ingress hands a connection to a socket of another port", async () => {
    const spec = mapSpec("sockmap", { name: "sockets" });
    const sockets = machine.createMap(spec);
    const service = server.listenTcp(8080);
    const fd = new Uint8Array(8);
    fd.set(u32(service.fd));
    sockets.raw.update(u32(0), fd);
    const source = `r6 = r1; *(u32 *)(r10 - 4) = 0; r1 = map[sockets]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
      if r0 == 0 goto out
      r7 = r0; r1 = r6; r2 = r7; r3 = 0; call bpf_sk_assign; r8 = r0; r1 = r7; call bpf_sk_release
      r7 = r8; ${note(0, 7)}
    out: r0 = 0; exit`;
    const program = await load("sched_cls", undefined, source, { specs: { sockets: spec }, maps: { sockets } });
    client.ping("10.0.0.2");
    const link = server.run(() => machine.attachTcx(program, "eth0", "ingress"));
    const near = client.connectTcp("10.0.0.2", 9);
    link.close();
    near.send(bytes("assigned"));
    expect(text(service.accept()?.receive())).toBe("assigned");
    expect(noted(seen, 0)).toBe(0);
    // On the way out nobody can be assigned a packet.
    server.run(() => machine.attachTcx(program, "eth0", "egress"));
    server.ping("10.0.0.1");
    expect(noted(seen, 0)).toBe(Number(BigInt.asUintN(64, -95n)));
  });

  it("sk_storage hangs on a socket and goes with it", async () => {
    const spec = mapSpec("sk_storage", { name: "store", maxEntries: 0, flags: 1 });
    const store = machine.createMap(spec);
    const source = `r6 = r1; r2 = *(u64 *)(r6 + 168); r0 = 1; if r2 == 0 goto out
      r1 = r2; call bpf_sk_fullsock; r2 = r0; r0 = 1; if r2 == 0 goto out
      r1 = map[store]; r3 = 0; r4 = 1; call bpf_sk_storage_get; r1 = r0; r0 = 1; if r1 == 0 goto out
      r2 = 1; lock *(u64 *)(r1 + 0) += r2
    out: exit`;
    const program = await load("cgroup_skb", "cgroup_inet_egress", source, { specs: { store: spec }, maps: { store } });
    machine.attachCgroup(program, "/");
    const [one, other] = [client.openUdp(), client.openUdp()];
    for (let at = 0; at < 3; at++) one.send(bytes("x"), "10.0.0.2", 9);
    other.send(bytes("x"), "10.0.0.2", 9);
    const value = (fd: number) => store.raw.lookup(u32(fd))?.[0];
    expect([value(one.fd), value(other.fd)]).toEqual([3, 1]);
    const { fd } = one;
    one.close();
    expect(() => value(fd)).toThrow("EBADF");
    expect(value(other.fd)).toBe(1);
  });

  it("programs read and set options, and see what a connection counts", async () => {
    // When it is established: the mark becomes 99, and the connection's bpf_tcp_sock is read.
    const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); if r7 != 4 goto out
      r1 = 99; *(u32 *)(r10 - 8) = r1; r1 = r6; r2 = 1; r3 = 36; r4 = r10; r4 += -8; r5 = 4; call bpf_setsockopt
      r7 = r0; ${note(0, 7)}
      r1 = r6; r2 = 6; r3 = 2; r4 = r10; r4 += -8; r5 = 4; call bpf_getsockopt; r7 = *(u32 *)(r10 - 8); ${note(1, 7)}
      r1 = *(u64 *)(r6 + 184); if r1 == 0 goto out
      call bpf_tcp_sock; if r0 == 0 goto out
      r7 = *(u32 *)(r0 + 0); r8 = *(u32 *)(r0 + 28); ${note(2, 7)}; ${note(3, 8)}
    out: r0 = 1; exit`;
    machine.attachCgroup(await load("sock_ops", undefined, source), "/");
    server.listenTcp(80);
    const near = client.connectTcp("10.0.0.2", 80);
    expect(near.mark).toBe(99);
    expect([0, 1, 2, 3].map((at) => noted(seen, at))).toEqual([0, 1460, 10, 1460]);
  });

  it("tells of timeouts and retransmissions, and takes a timeout of a program's", async () => {
    // 2 s until the first retransmission (500 jiffies), and word of what happens.
    const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); r0 = 1
      if r7 != 3 goto +3; r1 = r6; r2 = 3; call bpf_sock_ops_cb_flags_set
      if r7 != 1 goto +2; *(u32 *)(r6 + 4) = 500; goto out
      if r7 != 8 goto +1; goto timeout
      if r7 != 9 goto out
      ${count(1)}; goto out
    timeout: ${count(0)}
    out: r0 = 1; exit`;
    machine.attachCgroup(await load("sock_ops", undefined, source), "/");
    server.listenTcp(80);
    client.ping("10.0.0.2");
    server.device("eth0").up = false;
    const near = client.createTcp();
    expect(near.connect("10.0.0.2", 80)).toBe(false);
    machine.advance(1.9 * SECOND);
    expect([noted(seen, 0), noted(seen, 1)]).toEqual([0, 0]);
    machine.advance(0.2 * SECOND);
    expect([noted(seen, 0), noted(seen, 1)]).toEqual([1, 1]);
    server.device("eth0").up = true;
    machine.advance(4 * SECOND);
    expect(near.state).toBe(1);
    expect([noted(seen, 0), noted(seen, 1)]).toEqual([2, 2]);
  });

  it("programs write options into headers and find them on the other side", async () => {
    // Option 200 with two bytes, written by the client from its SYN on, and noted by whoever parses one.
    const source = `r6 = r1; r7 = *(u32 *)(r6 + 0)
      if r7 == 3 goto flags
      if r7 == 14 goto reserve
      if r7 == 15 goto write
      if r7 == 13 goto parse
      if r7 != 11 goto out
    flags: r1 = r6; r2 = 0x40; if r7 == 3 goto +1; r2 = 0x20; call bpf_sock_ops_cb_flags_set; goto out
    reserve: r1 = r6; r2 = 4; r3 = 0; call bpf_reserve_hdr_opt; goto out
    write: *(u32 *)(r10 - 8) = 0x2a0704c8; r1 = r6; r2 = r10; r2 += -8; r3 = 4; r4 = 0; call bpf_store_hdr_opt; goto out
    parse: *(u32 *)(r10 - 8) = 0x000000c8; r1 = r6; r2 = r10; r2 += -8; r3 = 4; r4 = 0; call bpf_load_hdr_opt
      r7 = r0; r8 = *(u32 *)(r10 - 8); ${note(0, 7)}; ${note(1, 8)}
    out: r0 = 1; exit`;
    machine.attachCgroup(await load("sock_ops", undefined, source), "/");
    const service = server.listenTcp(80);
    const tap = server.openPacketSocket("eth0");
    const near = client.connectTcp("10.0.0.2", 80);
    near.send(bytes("with an option"));
    expect(text(service.accept()?.receive())).toBe("with an option");
    expect(noted(seen, 0)).toBe(4);
    expect(noted(seen, 1)).toBe(0x2a07_04c8);
    const withOption: number[] = [];
    for (let frame = tap.receive(); frame !== undefined; frame = tap.receive())
      if (frame.length > 54 && frame[23] === 6 && frame[29] === 1) withOption.push((frame[46]! >> 4) * 4);
    // The SYN with its own options, then segments with this one alone.
    expect(withOption.slice(0, 2)).toEqual([32, 24]);
  });

  it("packet sockets keep what their filters say, eBPF's and classic ones", async () => {
    const [all, some, classic] = [0, 1, 2].map(() => server.openPacketSocket("eth0"));
    client.ping("10.0.0.2");
    for (const tap of [all!, some!, classic!]) while (tap.receive() !== undefined);
    // 20 bytes of IPv4.
    const source = "r0 = 0; r2 = *(u32 *)(r1 + 16); if r2 != 8 goto +1; r0 = 20; exit";
    const link = machine.attachSocketFilter(await load("socket_filter", undefined, source), some!.fd);
    // ldh [12]; jeq #0x806, 0, 1; ret #14; ret #0
    const program = [
      [0x28, 0, 0, 12],
      [0x15, 0, 1, 0x806],
      [6, 0, 0, 14],
      [6, 0, 0, 0],
    ];
    const instructions = new Uint8Array(
      program.flatMap(([code, jt, jf, k]) => [code!, 0, jt!, jf!, k! & 255, k! >> 8, 0, 0]),
    );
    machine.attachClassicFilter(instructions, classic!);
    client.openUdp().send(bytes("x"), "10.0.0.2", 9);
    client.openPacketSocket("eth0").send(buildPacket(ethernet({ etherType: 0x806 }), new Uint8Array(46)));
    const lengths = (tap: typeof all) => {
      const found: number[] = [];
      for (let frame = tap!.receive(); frame !== undefined; frame = tap!.receive()) found.push(frame.length);
      return found;
    };
    // The datagram, the complaint that nobody takes it, and what looks like ARP.
    expect([lengths(all), lengths(some), lengths(classic)]).toEqual([[43, 71, 60], [20, 20], [14]]);
    link.close();
    server.ping("10.0.0.1");
    expect(lengths(some)).toEqual([98, 98]);
  });

  it("a flow dissector makes the hash of packets, and sees what packet sockets send", async () => {
    // All flows are one: keys that do not depend on the packet.
    const dissect = await load("flow_dissector", undefined, `${count(0)}; r0 = 0; exit`);
    const hash = await load(
      "sched_cls",
      undefined,
      `r6 = r1; call bpf_get_hash_recalc; r7 = r0; r8 = *(u8 *)(r6 + 0); ${note(1, 7)}; r0 = 0; exit`,
    );
    const hashes = () => {
      const found = new Set<number>();
      using socket = client.openUdp();
      for (const port of [1, 2, 3]) {
        socket.send(bytes("x"), "10.0.0.2", port);
        found.add(noted(seen, 1));
      }
      return found.size;
    };
    client.ping("10.0.0.2");
    server.run(() => machine.attachTcx(hash, "eth0", "ingress"));
    expect(hashes()).toBe(3);
    const link = server.run(() => machine.attachNetworkNamespace(dissect));
    expect(() => server.run(() => machine.attachNetworkNamespace(dissect))).toThrow("EEXIST");
    expect(hashes()).toBe(1);
    const before = noted(seen, 0);
    expect(before).toBe(3);
    server.openPacketSocket("eth0").send(buildPacket(ethernet(), new Uint8Array(46)));
    expect(noted(seen, 0)).toBe(before + 1);
    link.close();
    expect(hashes()).toBe(3);
  });

  it("a connection is a struct tcp_sock where the Machine has the kernel's types", async () => {
    const kernelTypes = await loadKernelTypes();
    start({ kernelTypes });
    const at = (member: string) =>
      findMember(kernelTypes, kernelTypes.find("tcp_sock", "struct")[0]!, member)!.bitOffset / 8;
    const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); if r7 != 4 goto out
      r1 = *(u64 *)(r6 + 184); if r1 == 0 goto out
      call bpf_skc_to_tcp_sock; if r0 == 0 goto out
      r7 = *(u32 *)(r0 + ${at("mss_cache")}); r8 = *(u32 *)(r0 + ${at("snd_cwnd")}); ${note(0, 7)}; ${note(1, 8)}
    out: r0 = 1; exit`;
    const spec = assembleProgram("sock_ops", source, { maps: { seen: seenSpec } });
    const program = await machine.loadProgram(spec, { maps: { seen }, targetBtf: kernelTypes });
    machine.attachCgroup(program, "/");
    server.listenTcp(80);
    client.connectTcp("10.0.0.2", 80);
    expect([noted(seen, 0), noted(seen, 1)]).toEqual([1460, 10]);
  });

  it("SYN cookies are right for the answer to what they were made for, for a minute or two", async () => {
    const pointers = `r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4); r2 = r6; r2 += 54; r0 = 1; if r2 > r7 goto out
      r8 = r6; r8 += 34; r6 += 14`;
    const generate = await machine.loadProgram(
      assembleProgram(
        "xdp",
        `${pointers}; r1 = r6; r2 = r8; r3 = 20; call bpf_tcp_raw_gen_syncookie_ipv4
        r7 = r0; ${note(0, 7)}; r0 = 2
      out: exit`,
        { maps: { seen: seenSpec } },
      ),
      { maps: { seen } },
    );
    const check = await machine.loadProgram(
      assembleProgram("xdp", `${pointers}; r1 = r6; r2 = r8; call bpf_tcp_raw_check_syncookie_ipv4\nout: exit`),
    );
    const packet = (seq: number, ack: number, src = 5000) =>
      buildPacket(
        ethernet(),
        ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }),
        tcp({ src, dst: 80, seq, ack, flags: ["ack"] }),
      );
    generate.testRun({ data: packet(1000, 0) });
    const value = new DataView(seen.raw.lookup(u32(0))!.buffer);
    const cookie = value.getUint32(0, true);
    expect(value.getUint32(4, true)).toBe(536);
    const answer = (seq: number, ack: number, src?: number) =>
      check.testRun({ data: packet(seq, ack >>> 0, src) }).retval | 0;
    expect(answer(1001, cookie + 1)).toBe(0);
    expect([answer(1001, cookie + 2), answer(1002, cookie + 1), answer(1001, cookie + 1, 5001)]).toEqual([
      -13, -13, -13,
    ]);
    machine.advance(60 * SECOND);
    expect(answer(1001, cookie + 1)).toBe(0);
    machine.advance(60 * SECOND);
    expect(answer(1001, cookie + 1)).toBe(-13);
  });
});
