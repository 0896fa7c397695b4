import { describe, expect, it } from "vitest";
import { count, note, noted, seenSpec } from "./device-steps.js";
import { GLANCE, PATIENCE, type SocketSteps, socketMap } from "./socket-steps.js";

export function socketMapContract({ bed, keep, load, attach, connection, arrives, seen }: SocketSteps): void {
  describe("maps of sockets", () => {
    it("sk_msg sends a socket's data to another", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const source = "r2 = map[sockets]; r3 = 1; r4 = 0; call bpf_msg_redirect_map; exit";
      const program = await load("sk_msg", "sk_msg_verdict", source, { sockets: socketMap("sockmap") }, { sockets });
      attach(bed().host.attachSockmap(program, sockets));
      const [from, to] = [await connection(), await connection()];
      bed().putSocket(sockets, 0, from.client);
      bed().putSocket(sockets, 1, to.client);
      from.client.send("by another way");
      expect(await arrives(to.server)).toBe("by another way");
    });

    it("sk_msg gives it to another socket as received there, or drops it", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const source = `r6 = r1; r2 = *(u64 *)(r6 + 0); r3 = *(u64 *)(r6 + 8); r4 = r2; r4 += 1; if r4 > r3 goto drop
        r2 = *(u8 *)(r2 + 0); if r2 == 33 goto drop
        r1 = r6; r2 = map[sockets]; r3 = 1; r4 = 1; call bpf_msg_redirect_map; exit
      drop: r0 = 0; exit`;
      const program = await load("sk_msg", "sk_msg_verdict", source, { sockets: socketMap("sockmap") }, { sockets });
      attach(bed().host.attachSockmap(program, sockets));
      const [from, to] = [await connection(), await connection()];
      bed().putSocket(sockets, 0, from.client);
      bed().putSocket(sockets, 1, to.client);
      from.client.send("inwards");
      expect(await arrives(to.client)).toBe("inwards");
      expect(await arrives(to.server, GLANCE)).toBeUndefined();
      expect(() => from.client.send("!")).toThrow("EACCES");
      // The program is not asked again: a socket that was once told to drop goes on so.
      expect(() => from.client.send("inwards")).toThrow("EACCES");
    });

    it("sk_msg is asked again after as many bytes as it says, and waits for as many as it wants", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const map = seen();
      // A message that starts with "c" is corked until it has 6 bytes; else a verdict is for 2 bytes.
      const source = `r6 = r1; ${count(0)}; r7 = *(u32 *)(r6 + 68); ${note(1, 7)}
        r2 = *(u64 *)(r6 + 0); r3 = *(u64 *)(r6 + 8); r4 = r2; r4 += 1; r0 = 0; if r4 > r3 goto out
        r2 = *(u8 *)(r2 + 0); if r2 == 99 goto cork
        r1 = r6; r2 = 2; call bpf_msg_apply_bytes; goto pass
      cork: r1 = r6; r2 = 6; call bpf_msg_cork_bytes
      pass: r0 = 1
      out: exit`;
      const maps = { sockets: socketMap("sockmap"), seen: seenSpec };
      const program = await load("sk_msg", "sk_msg_verdict", source, maps, { sockets, seen: map });
      attach(bed().host.attachSockmap(program, sockets));
      const { client, server } = await connection();
      bed().putSocket(sockets, 0, client);
      client.send("abxy");
      let got = "";
      const gets = async (length: number) => {
        await bed().wait(
          () => {
            got += String.fromCharCode(...(server.receive() ?? []));
            return got.length >= length;
          },
          length === 0 ? GLANCE : PATIENCE,
        );
        return got;
      };
      expect(await gets(4)).toBe("abxy");
      expect([noted(map, 0), noted(map, 1)]).toEqual([2, 2]);
      got = "";
      client.send("cor");
      expect(await gets(0)).toBe("");
      client.send("ked");
      expect(await gets(6)).toBe("corked");
      expect([noted(map, 0), noted(map, 1)]).toEqual([4, 6]);
    });

    it("sk_msg puts bytes into a message, takes some out, and writes", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      // "abcdef" becomes "Xaef": a byte in front, and bytes 2 to 4 out.
      const source = `r6 = r1; r2 = 0; r3 = 1; r4 = 0; call bpf_msg_push_data; r7 = r0; r0 = 0; if r7 != 0 goto out
        r1 = r6; r2 = 2; r3 = 3; r4 = 0; call bpf_msg_pop_data; r7 = r0; r0 = 0; if r7 != 0 goto out
        r1 = r6; r2 = 0; r3 = 1; r4 = 0; call bpf_msg_pull_data; r7 = r0; r0 = 0; if r7 != 0 goto out
        r2 = *(u64 *)(r6 + 0); r3 = *(u64 *)(r6 + 8); r4 = r2; r4 += 1; if r4 > r3 goto out
        *(u8 *)(r2 + 0) = 88; r0 = 1
      out: exit`;
      const program = await load("sk_msg", "sk_msg_verdict", source, { sockets: socketMap("sockmap") }, { sockets });
      attach(bed().host.attachSockmap(program, sockets));
      const { client, server } = await connection();
      bed().putSocket(sockets, 0, client);
      client.send("abcdef");
      expect(await arrives(server)).toBe("Xaef");
    });

    it("sk_skb sends what a socket receives on to another", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const map = seen();
      const source = `r6 = r1; r7 = *(u32 *)(r6 + 0); ${note(0, 7)}
        r1 = r6; r2 = map[sockets]; r3 = 1; r4 = 0; call bpf_sk_redirect_map; exit`;
      const maps = { sockets: socketMap("sockmap"), seen: seenSpec };
      const program = await load("sk_skb", "sk_skb_verdict", source, maps, { sockets, seen: map });
      attach(bed().host.attachSockmap(program, sockets));
      const [from, to] = [await connection(), await connection()];
      bed().putSocket(sockets, 0, from.server);
      bed().putSocket(sockets, 1, to.client);
      from.client.send("through the proxy");
      expect(await arrives(to.server)).toBe("through the proxy");
      expect(noted(map, 0)).toBe(17);
    });

    it("a parser cuts the stream into messages, which the verdict then sees", async () => {
      const sockets = keep(bed().host.createMap(socketMap("sockmap")));
      const map = seen();
      // A message is as long as its first byte says, in decimal.
      const parse = `r2 = 0; r3 = r10; r3 += -8; r4 = 1; call bpf_skb_load_bytes
        r1 = r0; r0 = 0; if r1 != 0 goto +2; r0 = *(u8 *)(r10 - 8); r0 += -48; exit`;
      const judge = `r6 = r1; r7 = *(u32 *)(r6 + 0); ${note(0, 7)}; ${count(1)}; r0 = 1; exit`;
      const parser = await load("sk_skb", "sk_skb_stream_parser", parse);
      const verdict = await load("sk_skb", "sk_skb_stream_verdict", judge, { seen: seenSpec }, { seen: map });
      attach(bed().host.attachSockmap(parser, sockets));
      attach(bed().host.attachSockmap(verdict, sockets));
      const { client, server } = await connection();
      bed().putSocket(sockets, 0, server);
      client.send("3ab");
      await bed().wait(() => noted(map, 1) === 1, PATIENCE);
      expect([noted(map, 0), noted(map, 1)]).toEqual([3, 1]);
      client.send("4x");
      await bed().wait(() => noted(map, 1) === 2, GLANCE);
      expect(noted(map, 1)).toBe(1);
      client.send("yz");
      await bed().wait(() => noted(map, 1) === 2, PATIENCE);
      expect([noted(map, 0), noted(map, 1)]).toEqual([4, 2]);
      let got = "";
      await bed().wait(() => {
        got += String.fromCharCode(...(server.receive() ?? []));
        return got.length === 7;
      }, PATIENCE);
      expect(got).toBe("3ab4xyz");
    });
  });
}
