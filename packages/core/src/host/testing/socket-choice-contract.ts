import { describe, expect, it } from "vitest";
import { note, noted, seenSpec } from "./device-steps.js";
import { GLANCE, LOOPBACK, type SocketSteps, socketMap } from "./socket-steps.js";

export function socketChoiceContract({
  bed,
  keep,
  load,
  attach,
  socket,
  listener,
  accepted,
  arrives,
  seen,
}: SocketSteps): void {
  describe("the choice of a socket", () => {
    it("sk_lookup finds another port's listener", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const service = listener();
      bed().putSocket(sockets, 0, service);
      const source = `r6 = r1; r0 = 1; r2 = *(u32 *)(r6 + 60); if r2 != 4242 goto out
        *(u32 *)(r10 - 4) = 0; r1 = map[sockets]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
        if r0 == 0 goto out
        r7 = r0; r1 = r6; r2 = r7; r3 = 0; call bpf_sk_assign; r8 = r0; r1 = r7; call bpf_sk_release
        r0 = 1; if r8 == 0 goto out; r0 = 0
      out: exit`;
      const program = await load("sk_lookup", "sk_lookup", source, { sockets: socketMap("sockmap") }, { sockets });
      const link = bed().within(undefined, () => bed().host.attachNetworkNamespace(program));
      const client = socket("tcp");
      client.connect(LOOPBACK, 4242);
      const server = await accepted(service);
      client.send("found");
      expect(await arrives(server)).toBe("found");
      expect(server.localPort()).toBe(4242);
      link.close();
    });

    it("sk_reuseport chooses one of those that share a port", async () => {
      const spec = socketMap("reuseport_sockarray");
      const sockets = keep(bed().host.createMap(spec));
      const members = [0, 1, 2].map(() => socket("udp"));
      for (const [index, member] of members.entries()) {
        member.sharePort();
        member.bind(LOOPBACK, index === 0 ? 0 : members[0]!.localPort());
        bed().putSocket(sockets, index, member);
      }
      // By the first byte behind the UDP header.
      const source = `r6 = r1; r2 = *(u64 *)(r6 + 0); r3 = *(u64 *)(r6 + 8); r4 = r2; r4 += 9; r0 = 0; if r4 > r3 goto out
        r2 = *(u8 *)(r2 + 8); r2 += -48; *(u32 *)(r10 - 4) = r2
        r1 = r6; r2 = map[sockets]; r3 = r10; r3 += -4; r4 = 0; call bpf_sk_select_reuseport
        r1 = r0; r0 = 1; if r1 == 0 goto out; r0 = 0
      out: exit`;
      const program = await load("sk_reuseport", undefined, source, { sockets: spec }, { sockets });
      attach(bed().host.attachReuseport(program, members[0]!.fd));
      const sender = socket("udp");
      sender.connect(LOOPBACK, members[0]!.localPort());
      for (const index of [2, 0, 1]) {
        sender.send(`${index}`);
        expect(await arrives(members[index]!)).toBe(`${index}`);
      }
      sender.send("7");
      for (const member of members) expect(await arrives(member, GLANCE)).toBeUndefined();
    });

    it("a socket filter sees a datagram from its UDP header on, and cuts it", async () => {
      const map = seen();
      const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); ${note(0, 7)}
        r1 = r6; r2 = 8; r3 = r10; r3 += -8; r4 = 1; call bpf_skb_load_bytes
        r2 = *(u8 *)(r10 - 8); r0 = 10; if r2 == 107 goto +1; r0 = 0; exit`;
      const program = await load("socket_filter", undefined, source, { seen: seenSpec }, { seen: map });
      const receiver = socket("udp");
      receiver.bind(LOOPBACK, 0);
      attach(bed().host.attachSocketFilter(program, receiver.fd));
      const sender = socket("udp");
      sender.connect(LOOPBACK, receiver.localPort());
      sender.send("dropped");
      expect(await arrives(receiver, GLANCE)).toBeUndefined();
      sender.send("kept");
      expect(await arrives(receiver)).toBe("ke");
      expect(noted(map, 0)).toBe(12);
    });
  });
}
