import { beforeEach, describe, expect, it } from "vitest";
import type { AttachType, ProgramType } from "../../abi/index.js";
import { assembleProgram } from "../../host/testing/index.js";
import type { AssembleChoices } from "../../host/testing/program-case.js";
import { mapSpec } from "../../host/testing/specs.js";
import { type Cgroup, Machine, type MachineProgram, type Namespace } from "../index.js";
import { joinedNamespaces } from "../testing/joined-namespaces.js";

const text = (bytes: Uint8Array | undefined) => bytes && String.fromCharCode(...bytes);
const bytes = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

const seenSpec = mapSpec("array", { name: "seen" });

describe("programs of cgroups", () => {
  let machine: Machine;
  let client: Namespace;
  let server: Namespace;
  let web: Cgroup;
  let blue: Cgroup;
  beforeEach(() => {
    machine = new Machine();
    ({ client, server } = joinedNamespaces(machine));
    blue = machine.cgroups.create("/web/blue");
    web = machine.cgroups.get("/web");
  });

  const load = (type: ProgramType, attachType: AttachType | undefined, source: string, choices: AssembleChoices = {}) =>
    machine.loadProgram({ ...assembleProgram(type, source, choices), attachType });

  it("form a tree", () => {
    expect(blue.path).toBe("/web/blue");
    expect(machine.cgroups.root.path).toBe("/");
    expect(() => machine.cgroups.get("/nowhere")).toThrow("ENOENT");
    expect(() => web.remove()).toThrow("EBUSY");
    expect(() => web.create("blue")).toThrow("EEXIST");
    blue.remove();
    expect(() => machine.cgroups.get("/web/blue")).toThrow("ENOENT");
  });

  it("see sockets made, bound and closed, and may forbid it", async () => {
    const none = await load("cgroup_sock", "cgroup_inet_sock_create", "r0 = 0; exit");
    const link = machine.attachCgroup(none, "/web");
    expect(() => blue.run(() => client.createTcp())).toThrow("EPERM");
    expect(client.createTcp().isOpen).toBe(true);
    link.close();
    // Marks the socket, as programs at its making may.
    const mark = await load("cgroup_sock", "cgroup_inet_sock_create", "*(u32 *)(r1 + 16) = 42; r0 = 1; exit");
    machine.attachCgroup(mark, web);
    const marked = blue.run(() => client.createUdp());
    expect(marked.mark).toBe(42);
    // Ports below 1024 are not for this cgroup: bpf_sock.src_port.
    const ports = await load(
      "cgroup_sock",
      "cgroup_inet4_post_bind",
      "r2 = *(u32 *)(r1 + 44); r0 = 1; if r2 > 1023 goto +1; r0 = 0; exit",
    );
    machine.attachCgroup(ports, web);
    expect(() => marked.bind(80)).toThrow("EPERM");
    marked.bind(8080);
    expect(marked.localEnd().port).toBe(8080);
  });

  it("send connections elsewhere, and hide that they did", async () => {
    const service = server.listenTcp(8080);
    // To 10.0.0.2 port 8080, whatever was wanted.
    const connect = await load(
      "cgroup_sock_addr",
      "cgroup_inet4_connect",
      "*(u32 *)(r1 + 4) = 0x0200000a; *(u32 *)(r1 + 24) = 0x901f; r0 = 1; exit",
    );
    const peer = await load(
      "cgroup_sock_addr",
      "cgroup_inet4_getpeername",
      "*(u32 *)(r1 + 4) = 0x01010101; *(u32 *)(r1 + 24) = 0x5000; r0 = 1; exit",
    );
    machine.attachCgroup(connect, blue);
    machine.attachCgroup(peer, blue);
    const socket = blue.run(() => client.connectTcp("1.1.1.1", 80));
    expect(socket.remoteEnd()).toEqual({ address: "1.1.1.1", port: 80 });
    socket.send(bytes("hello"));
    expect(text(service.accept()?.receive())).toBe("hello");
  });

  it("rewrite datagrams' ends both ways", async () => {
    const service = server.openUdp(5353, "::");
    const send = await load(
      "cgroup_sock_addr",
      "cgroup_udp6_sendmsg",
      // fd00::2 port 5353 for whatever was wanted.
      `r2 = 0x00fd; *(u32 *)(r1 + 8) = r2; r2 = 0; *(u32 *)(r1 + 12) = r2; *(u32 *)(r1 + 16) = r2
       r2 = 0x02000000; *(u32 *)(r1 + 20) = r2; *(u32 *)(r1 + 24) = 0xe914; r0 = 1; exit`,
    );
    const receive = await load("cgroup_sock_addr", "cgroup_udp6_recvmsg", "*(u32 *)(r1 + 24) = 0x3500; r0 = 1; exit");
    for (const program of [send, receive]) machine.attachCgroup(program, web);
    const socket = blue.run(() => client.openUdp(0, "::"));
    socket.send(bytes("question"), "fd00::99", 53);
    const question = service.receive()!;
    expect(text(question.data)).toBe("question");
    service.send(bytes("answer"), question.address, question.port);
    expect(socket.receive()).toMatchObject({ address: "fd00::2", port: 53 });
  });

  it("see packets in and out from the network header on, with their socket", async () => {
    // Lets only IPv4 packets of sockets with a port above 1000 pass.
    const source = `r0 = 0; r2 = *(u32 *)(r1 + 16); if r2 != 8 goto out
      r3 = *(u32 *)(r1 + 76); r4 = *(u32 *)(r1 + 80); r5 = r3; r5 += 20; if r5 > r4 goto out
      r5 = *(u8 *)(r3 + 0); if r5 != 0x45 goto out
      r2 = *(u32 *)(r1 + 136); if r2 < 1000 goto out
      r0 = 1
    out: exit`;
    const ingress = await load("cgroup_skb", "cgroup_inet_ingress", source);
    const egress = await load("cgroup_skb", "cgroup_inet_egress", "r0 = 0; exit");
    machine.attachCgroup(ingress, web);
    const [low, high] = blue.run(() => [server.openUdp(999), server.openUdp(1001)]);
    const asking = client.openUdp();
    asking.send(bytes("x"), "10.0.0.2", 999);
    asking.send(bytes("x"), "10.0.0.2", 1001);
    expect([low!.receive(), high!.receive() !== undefined]).toEqual([undefined, true]);
    const link = machine.attachCgroup(egress, web);
    expect(() => high!.send(bytes("x"), "10.0.0.1", 9)).toThrow("EPERM");
    const connecting = blue.run(() => server.createTcp());
    client.listenTcp(80);
    expect(connecting.connect("10.0.0.1", 80)).toBe(false);
    link.close();
    machine.advance(1_000_000_000);
    expect(connecting.state).toBe(1);
  });

  it("change socket options on their way in and out", async () => {
    // SO_PRIORITY (12) is dealt with here: 7 at most. Everything of level 0xff is theirs.
    const set = await load(
      "cgroup_sockopt",
      "cgroup_setsockopt",
      `r6 = r1; r2 = *(u32 *)(r6 + 28); r0 = 1; if r2 != 12 goto out
       r3 = *(u64 *)(r6 + 8); r4 = *(u64 *)(r6 + 16); r5 = r3; r5 += 4; if r5 > r4 goto out
       r2 = *(u32 *)(r3 + 0); if r2 < 8 goto out
       *(u32 *)(r3 + 0) = 7
     out: exit`,
    );
    const get = await load(
      "cgroup_sockopt",
      "cgroup_getsockopt",
      `r6 = r1; r2 = *(u32 *)(r6 + 24); r0 = 1; if r2 != 255 goto out
       r3 = *(u64 *)(r6 + 8); r4 = *(u64 *)(r6 + 16); r5 = r3; r5 += 1; if r5 > r4 goto out
       *(u8 *)(r3 + 0) = 99; *(u32 *)(r6 + 32) = 1; *(u32 *)(r6 + 36) = 0
     out: exit`,
    );
    for (const program of [set, get]) machine.attachCgroup(program, web);
    const socket = blue.run(() => client.createTcp());
    socket.setsockopt(1, 12, 100);
    expect(socket.priority).toBe(7);
    socket.setsockopt(1, 12, 3);
    expect(socket.priority).toBe(3);
    expect([...socket.getsockopt(255, 1, 8)]).toEqual([99]);
    expect(() => client.createTcp().getsockopt(255, 1, 8)).toThrow("ENOPROTOOPT");
    expect(() => socket.setsockopt(1, 4, 1)).toThrow("ENOPROTOOPT");
  });

  it("see settings read and written, and put other values in their place", async () => {
    // The name's last part, what was there, what is to be: 11 bytes, 2 bytes and 1 or none; "1" becomes "0".
    const source = `r6 = r1; r2 = r10; r2 += -64; r3 = 16; r4 = 1; call bpf_sysctl_get_name; r7 = r0
      r1 = r6; r2 = r10; r2 += -48; r3 = 16; call bpf_sysctl_get_current_value; r7 *= 10; r7 += r0
      r1 = r6; r2 = r10; r2 += -32; r3 = 16; call bpf_sysctl_get_new_value; r8 = r0
      *(u64 *)(r10 - 16) = r7; *(u32 *)(r10 - 20) = 0; r1 = map[seen]; r2 = r10; r2 += -20; r3 = r10; r3 += -16; r4 = 0
      call bpf_map_update_elem
      r0 = 1; if r8 != 1 goto out
      r1 = *(u8 *)(r10 - 32); if r1 != 49 goto out; *(u8 *)(r10 - 32) = 48
      r1 = r6; r2 = r10; r2 += -32; r3 = 2; call bpf_sysctl_set_new_value; r0 = 1
    out: exit`;
    const map = machine.createMap(seenSpec);
    const spec = assembleProgram("cgroup_sysctl", source, { maps: { seen: seenSpec }, attachType: "cgroup_sysctl" });
    const link = machine.attachCgroup(await machine.loadProgram(spec, { maps: { seen: map } }), web);
    const name = "net.ipv4.ip_forward";
    expect(blue.run(() => server.readSysctl(name))).toBe("0\n");
    expect(map.raw.lookup(new Uint8Array(4))![0]).toBe(102);
    blue.run(() => server.writeSysctl(name, "1"));
    expect(server.readSysctl(name)).toBe("0\n");
    server.writeSysctl(name, "1");
    expect(server.readSysctl(name)).toBe("1\n");
    blue.run(() => server.writeSysctl(name, "2"));
    expect(server.readSysctl(name)).toBe("1\n");
    link.close();
    const none = await load("cgroup_sysctl", "cgroup_sysctl", "r0 = 0; exit");
    machine.attachCgroup(none, web);
    expect(() => blue.run(() => server.readSysctl(name))).toThrow("EPERM");
    expect(() => blue.run(() => machine.sysctls.write("kernel.bpf_stats_enabled", 1))).toThrow("EPERM");
    expect(machine.sysctls.read("kernel.bpf_stats_enabled")).toBe(0);
    expect(() => server.writeSysctl(name, "much")).toThrow("EINVAL");
    expect(() => server.readSysctl("net.ipv4.nothing")).toThrow("ENOENT");
  });

  it("decide about device nodes", async () => {
    // Reading and writing 1:5 (/dev/zero) is all that is allowed: access and type, major, minor.
    const source = `r0 = 0; r2 = *(u32 *)(r1 + 0); r3 = r2; r3 &= 0xffff; if r3 != 2 goto out; r2 >>= 16; r2 &= 1; if r2 != 0 goto out
      r2 = *(u32 *)(r1 + 4); if r2 != 1 goto out; r2 = *(u32 *)(r1 + 8); if r2 != 5 goto out; r0 = 1
    out: exit`;
    machine.attachCgroup(await load("cgroup_device", undefined, source), web);
    const use = (minor: number, ...access: ("read" | "write" | "mknod")[]) =>
      blue.run(() => machine.useDeviceNode({ kind: "char", major: 1, minor, access }));
    use(5, "read", "write");
    expect(() => use(5, "mknod")).toThrow("EPERM");
    expect(() => use(3, "read")).toThrow("EPERM");
    machine.useDeviceNode({ kind: "block", major: 8, minor: 0, access: ["write"] });
  });

  describe("hierarchy", () => {
    const orders = () => {
      const map = machine.createMap(seenSpec);
      let next = 0;
      /** A program that appends its number to those that have run. */
      const note = async (): Promise<[number, MachineProgram]> => {
        const number = ++next;
        const program = await machine.loadProgram(
          {
            ...assembleProgram(
              "cgroup_sock",
              `*(u32 *)(r10 - 4) = 0; r1 = map[seen]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
               if r0 == 0 goto +4; r1 = *(u64 *)(r0 + 0); r1 *= 10; r1 += ${number}; *(u64 *)(r0 + 0) = r1; r0 = 1; exit`,
              { maps: { seen: seenSpec } },
            ),
            attachType: "cgroup_inet_sock_create",
          },
          { maps: { seen: map } },
        );
        return [number, program];
      };
      const ran = (cgroup: Cgroup) => {
        map.raw.update(new Uint8Array(4), new Uint8Array(8));
        cgroup.run(() => client.createTcp().close());
        return Number(new DataView(map.raw.lookup(new Uint8Array(4))!.buffer).getBigUint64(0, true));
      };
      return { note, ran };
    };

    it("runs a cgroup's programs before those above it, in the order of their links", async () => {
      const { note, ran } = orders();
      const [[, one], [, two], [, three], [, four]] = [await note(), await note(), await note(), await note()];
      machine.attachCgroup(one, web);
      const second = machine.attachCgroup(two, blue);
      machine.attachCgroup(three, blue);
      expect([ran(blue), ran(web), ran(machine.cgroups.root)]).toEqual([231, 1, 0]);
      machine.attachCgroup(four, blue, undefined, { before: second });
      expect(ran(blue)).toBe(4231);
      second.update(one);
      expect(ran(blue)).toBe(4131);
      second.close();
      expect(ran(blue)).toBe(431);
    });

    it("lets a program run before those below where it says so", async () => {
      const { note, ran } = orders();
      const [[, one], [, two], [, three]] = [await note(), await note(), await note()];
      machine.attachCgroup(one, web, undefined, { preorder: true });
      machine.attachCgroup(two, blue, undefined, { preorder: true });
      machine.attachCgroup(three, blue);
      expect(ran(blue)).toBe(123);
    });

    it("keeps or lets go of what is above, as that was attached", async () => {
      const { note, ran } = orders();
      const [[, one], [, two], [, three]] = [await note(), await note(), await note()];
      const alone = machine.attachCgroup(one, web, undefined, { sharing: "none" });
      expect(() => machine.attachCgroup(two, blue)).toThrow("EPERM");
      expect(() => machine.attachCgroup(two, web)).toThrow("EPERM");
      alone.close();
      machine.attachCgroup(one, web, undefined, { sharing: "override" });
      machine.attachCgroup(two, blue, undefined, { sharing: "override" });
      expect([ran(blue), ran(web)]).toEqual([2, 1]);
      machine.attachCgroup(three, web, undefined, { sharing: "override" });
      expect([ran(blue), ran(web)]).toEqual([2, 3]);
    });
  });
});
