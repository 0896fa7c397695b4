import { describe, expect, it } from "vitest";
import type { AttachType } from "../../abi/index.js";
import { note, noted, seenSpec } from "./device-steps.js";
import { GLANCE, LOOPBACK, PATIENCE, type SocketSteps } from "./socket-steps.js";
import type { ContractSocket } from "./socket-test-bed.js";

export function cgroupContract({
  bed,
  load,
  attach,
  socket,
  listener,
  accepted,
  connection,
  arrives,
  seen,
}: SocketSteps): void {
  describe("control groups", () => {
    it("a program sends connections elsewhere, of its cgroup and of those below", async () => {
      const service = listener();
      const port = service.localPort();
      const swapped = ((port & 0xff) << 8) | (port >> 8);
      const program = await load(
        "cgroup_sock_addr",
        "cgroup_inet4_connect",
        `r0 = 1; r2 = *(u32 *)(r1 + 24); if r2 != 0x0100 goto +1; *(u32 *)(r1 + 24) = ${swapped}; exit`,
      );
      attach(bed().host.attachCgroup(program, bed().outer));
      for (const cgroup of ["outer", "inner"] as const) {
        socket("tcp", cgroup).connect(LOOPBACK, 1);
        await accepted(service);
      }
    });

    it("programs run from the socket's cgroup upwards", async () => {
      const map = seen();
      const append = async (number: number) => {
        const source = `*(u32 *)(r10 - 4) = 0; r1 = map[seen]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
          if r0 == 0 goto +4; r1 = *(u64 *)(r0 + 0); r1 *= 10; r1 += ${number}; *(u64 *)(r0 + 0) = r1; r0 = 1; exit`;
        return load("cgroup_sock", "cgroup_inet_sock_create", source, { seen: seenSpec }, { seen: map });
      };
      attach(bed().host.attachCgroup(await append(1), bed().outer));
      attach(bed().host.attachCgroup(await append(2), bed().inner));
      attach(bed().host.attachCgroup(await append(3), bed().inner));
      socket("udp", "inner");
      expect(noted(map, 0)).toBe(231);
      socket("udp", "outer");
      expect(noted(map, 0)).toBe(2311);
    });

    it("a program forbids sockets, with EPERM or what it says itself", async () => {
      const source = "r1 = -13; call bpf_set_retval; r0 = 0; exit";
      const program = await load("cgroup_sock", "cgroup_inet4_post_bind", source);
      attach(bed().host.attachCgroup(program, bed().outer));
      expect(() => bed().within("inner", () => socket("udp", "inner").bind(LOOPBACK, 0))).toThrow("EACCES");
      const plain = await load("cgroup_sock", "cgroup_inet_sock_create", "r0 = 0; exit");
      attach(bed().host.attachCgroup(plain, bed().inner));
      expect(() => socket("udp", "inner")).toThrow("EPERM");
      socket("udp", "outer");
    });

    it("a program sees packets from their network header on, with the socket's ends", async () => {
      const map = seen();
      const source = `r6 = r1; r7 = *(u32 *)(r6 + 136); ${note(0, 7)}; r7 = *(u32 *)(r6 + 0); ${note(1, 7)}
        r7 = *(u32 *)(r6 + 132); ${note(2, 7)}; r7 = *(u32 *)(r6 + 16); ${note(3, 7)}
        r2 = *(u32 *)(r6 + 76); r3 = *(u32 *)(r6 + 80); r4 = r2; r4 += 20; r0 = 1; if r4 > r3 goto +2
        r7 = *(u8 *)(r2 + 0); goto +1; exit; ${note(4, 7)}; r0 = 0; exit`;
      const program = await load("cgroup_skb", "cgroup_inet_egress", source, { seen: seenSpec }, { seen: map });
      attach(bed().host.attachCgroup(program, bed().outer, "cgroup_inet_egress"));
      const sender = socket("udp", "outer");
      sender.connect(LOOPBACK, 9);
      expect(() => sender.send("12345")).toThrow("EPERM");
      // The remote port is in network order in the upper half.
      expect([0, 1, 2, 3, 4].map((index) => noted(map, index))).toEqual([sender.localPort(), 33, 0x0900_0000, 8, 0x45]);
    });

    it("a program keeps packets from a socket", async () => {
      const program = await load("cgroup_skb", "cgroup_inet_ingress", "r0 = 0; exit");
      const receiver = socket("udp", "outer");
      receiver.bind(LOOPBACK, 0);
      const sender = socket("udp");
      sender.connect(LOOPBACK, receiver.localPort());
      const link = bed().host.attachCgroup(program, bed().outer, "cgroup_inet_ingress");
      sender.send("dropped");
      expect(await arrives(receiver, GLANCE)).toBeUndefined();
      link.close();
      sender.send("kept");
      expect(await arrives(receiver)).toBe("kept");
    });

    it("programs see and change the ends of datagrams, and of names", async () => {
      const map = seen();
      const program = (attachType: AttachType, source: string) =>
        load("cgroup_sock_addr", attachType, source, { seen: seenSpec }, { seen: map });
      const receiver = socket("udp");
      receiver.bind(LOOPBACK, 0);
      const port = receiver.localPort();
      const swapped = ((port & 0xff) << 8) | (port >> 8);
      // What is sent to 192.0.2.1 port 1 goes to the receiver; what comes seems to come from 192.0.2.7 port 7.
      const out = await program(
        "cgroup_udp4_sendmsg",
        `r6 = r1; r7 = *(u32 *)(r6 + 4); ${note(0, 7)}; r7 = *(u32 *)(r6 + 28); r7 *= 100; r8 = *(u32 *)(r6 + 36); r7 += r8
         ${note(1, 7)}; *(u32 *)(r6 + 4) = 0x0100007f; *(u32 *)(r6 + 24) = ${swapped}; r0 = 1; exit`,
      );
      attach(bed().host.attachCgroup(out, bed().outer));
      const back = await program(
        "cgroup_udp4_recvmsg",
        "*(u32 *)(r1 + 4) = 0x070200c0; *(u32 *)(r1 + 24) = 0x0700; r0 = 1; exit",
      );
      attach(bed().host.attachCgroup(back, bed().outer));
      const sender = socket("udp", "outer");
      sender.sendTo("there", "192.0.2.1", 1);
      expect(await arrives(receiver)).toBe("there");
      expect([noted(map, 0), noted(map, 1)]).toEqual([0x0102_00c0, 217]);
      receiver.sendTo("back", LOOPBACK, sender.localPort());
      let from: ReturnType<ContractSocket["receiveFrom"]>;
      await bed().wait(() => {
        from = sender.receiveFrom();
        return from !== undefined;
      }, PATIENCE);
      expect(from).toEqual({ address: "192.0.2.7", port: 7 });
      const peer = await program(
        "cgroup_inet4_getpeername",
        "r2 = *(u32 *)(r1 + 4); if r2 != 0x0100007f goto +1; *(u32 *)(r1 + 4) = 0x09090909; r0 = 1; exit",
      );
      attach(bed().host.attachCgroup(peer, bed().outer));
      const { client, service } = await connection("outer");
      expect(client.peer()).toEqual({ address: "9.9.9.9", port: service.localPort() });
    });

    it("a program refuses datagrams and connections, with the error that it says", async () => {
      const refuse = "r1 = -111; call bpf_set_retval; r0 = 0; exit";
      const send = await load("cgroup_sock_addr", "cgroup_udp4_sendmsg", "r0 = 0; exit");
      const connect = await load("cgroup_sock_addr", "cgroup_inet4_connect", refuse);
      for (const program of [send, connect]) attach(bed().host.attachCgroup(program, bed().inner));
      expect(() => socket("udp", "inner").sendTo("x", LOOPBACK, 9)).toThrow("EPERM");
      expect(() => socket("tcp", "inner").connect(LOOPBACK, 9)).toThrow("ECONNREFUSED");
      socket("udp", "outer").sendTo("x", LOOPBACK, 9);
    });

    it("programs change socket options on their way in and out", async () => {
      const set = await load(
        "cgroup_sockopt",
        "cgroup_setsockopt",
        `r6 = r1; r0 = 1; r2 = *(u32 *)(r6 + 28); if r2 != 12 goto out
         r3 = *(u64 *)(r6 + 8); r4 = *(u64 *)(r6 + 16); r5 = r3; r5 += 4; if r5 > r4 goto out
         *(u32 *)(r3 + 0) = 5
       out: exit`,
      );
      const get = await load(
        "cgroup_sockopt",
        "cgroup_getsockopt",
        `r6 = r1; r0 = 1; r2 = *(u32 *)(r6 + 24); if r2 != 250 goto out
         r3 = *(u64 *)(r6 + 8); r4 = *(u64 *)(r6 + 16); r5 = r3; r5 += 4; if r5 > r4 goto out
         *(u32 *)(r3 + 0) = 77; *(u32 *)(r6 + 32) = 4; *(u32 *)(r6 + 36) = 0
       out: exit`,
      );
      for (const program of [set, get]) attach(bed().host.attachCgroup(program, bed().outer));
      const own = socket("udp", "inner");
      own.setOption(1, 12, 3);
      expect(own.getOption(1, 12)).toBe(5);
      expect(own.getOption(250, 1)).toBe(77);
      expect(() => socket("udp").getOption(250, 1)).toThrow(/EOPNOTSUPP|ENOPROTOOPT/);
    });
  });
}
