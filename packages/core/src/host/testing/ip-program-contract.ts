import { describe, expect, it } from "vitest";
import type { NetfilterOptions } from "../index.js";
import { count, note, noted, seenSpec } from "./device-steps.js";
import { LOOPBACK, type SocketSteps } from "./socket-steps.js";

export function ipProgramContract({ bed, load, attach, socket, arrives, seen }: SocketSteps): void {
  describe("packets on their way", () => {
    const send = (to: string, port: number) => {
      const sender = socket("udp");
      bed().within(undefined, () => sender.connect(to, port));
      return sender;
    };

    it("netfilter programs are asked in the order of their priorities, and drop", async () => {
      const map = seen();
      const append = (number: number, verdict: number) =>
        load(
          "netfilter",
          "netfilter",
          `*(u32 *)(r10 - 4) = 0; r1 = map[seen]; r2 = r10; r2 += -4; call bpf_map_lookup_elem
           if r0 == 0 goto +4; r1 = *(u64 *)(r0 + 0); r1 *= 10; r1 += ${number}; *(u64 *)(r0 + 0) = r1; r0 = ${verdict}; exit`,
          { seen: seenSpec },
          { seen: map },
        );
      const at = async (number: number, verdict: number, hook: NetfilterOptions["hook"], priority: number) => {
        const program = await append(number, verdict);
        return attach(
          bed().within(undefined, () => bed().host.attachNetfilter(program, { family: "ipv4", hook, priority })),
        );
      };
      const receiver = socket("udp");
      receiver.bind(LOOPBACK, 0);
      const sender = send(LOOPBACK, receiver.localPort());
      await at(5, 1, "input", 0);
      await at(4, 1, "prerouting", 7);
      await at(3, 1, "postrouting", 7);
      await at(2, 1, "output", 7);
      await at(1, 1, "output", -7);
      await expect(at(9, 1, "output", 7)).rejects.toThrow("EBUSY");
      sender.send("x");
      expect(await arrives(receiver)).toBe("x");
      expect(noted(map, 0)).toBe(12345);
      await at(8, 0, "output", 3);
      expect(() => sender.send("x")).toThrow("EPERM");
      expect(noted(map, 0)).toBe(1234518);
    });

    it.each(["lwt_xmit", "lwt_out"] as const)(
      "%s programs see a route's packets from the network header on",
      async (type) => {
        const map = seen();
        const source = `r6 = r1; ${count(0)}; r7 = *(u32 *)(r6 + 0); ${note(1, 7)}; r7 = *(u32 *)(r6 + 16); ${note(2, 7)}
        r1 = r6; r2 = 20; r3 = r10; r3 += -24; r4 = 4; call bpf_skb_load_bytes; r7 = *(u16 *)(r10 - 22); ${note(3, 7)}
        r0 = 2; if r7 == 0x0900 goto +1; r0 = 0; exit`;
        const program = await load(type, undefined, source, { seen: seenSpec }, { seen: map });
        const route = { destination: "10.9.0.0/16", device: "lo" };
        attach(bed().within(undefined, () => bed().host.attachLwt(program, route)));
        expect(() => send("10.9.0.1", 9).send("12345")).toThrow("EPERM");
        expect([0, 1, 2, 3].map((index) => noted(map, index))).toEqual([1, 33, 8, 0x0900]);
        send("10.9.0.1", 10).send("12345");
        expect(noted(map, 0)).toBe(2);
      },
    );
  });
}
