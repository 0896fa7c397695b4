import { beforeEach, describe, expect, it } from "vitest";
import type { BpfMap, Link, Program } from "../index.js";
import { carry, count, load, note, noted, seenSpec } from "./device-steps.js";
import type { DevicesUnderTest, TestDevice } from "./device-test-bed.js";
import { closeAfterEach } from "./keeping.js";
import { errnoOf } from "./specs.js";

const NEXT = -1;
const OK = 0;
const SHOT = 2;
const BPF_F_INGRESS = 1;

const skb = { mark: 8, vlanPresent: 20, vlanTci: 24, priority: 32, ingressIfindex: 36, ifindex: 40, cb: 48 } as const;

export function tcContract(devices: DevicesUnderTest): void {
  describe("tc on a device", () => {
    const keep = closeAfterEach();
    let seen: BpfMap;
    beforeEach(() => {
      seen = keep(devices().host.createMap(seenSpec));
    });
    const program = async (source: string): Promise<Program> =>
      keep(await load(devices(), "sched_cls", `r6 = r1; ${source}`, { maps: { seen: seenSpec }, live: { seen } }));
    /** Appends its number to entry 0, as a digit. */
    const digit = (number: number, verdict: number) =>
      program(`*(u32 *)(r10 - 20) = 0; r1 = map[seen]; r2 = r10; r2 += -20; call bpf_map_lookup_elem; if r0 == 0 goto +4
        r7 = *(u64 *)(r0 + 0); r7 *= 10; r7 += ${number}; *(u64 *)(r0 + 0) = r7; r0 = ${verdict}; exit`);
    const tcx = (
      what: Program,
      device: TestDevice,
      direction: "ingress" | "egress" = "ingress",
      place: { before?: Link; after?: Link } = {},
    ) => keep(devices().within(device, () => devices().host.attachTcx(what, device, direction, place)));
    const clsact = (what: Program, device: TestDevice, direction: "ingress" | "egress", place: object = {}) =>
      keep(devices().within(device, () => devices().host.attachClsact(what, device, direction, place)));
    /** Reads a field of the context into an entry. */
    const see = (index: number, field: number) => `r7 = *(u32 *)(r6 + ${field}); ${note(index, 7)}`;

    it("decides on egress and ingress until it is closed", async () => {
      const bed = devices();
      const egress = tcx(await program(`r0 = ${SHOT}; exit`), "left", "egress");
      expect(egress.kind).toBe("tcx");
      await carry(bed, "left", { right: 0 });
      egress.update(await program(`r0 = ${OK}; exit`));
      await carry(bed, "left", { right: 1 });
      egress.close();
      const ingress = tcx(
        await program(`${count(1)}; ${see(2, skb.ifindex)}; ${see(3, skb.ingressIfindex)}; r0 = ${OK}; exit`),
        "right",
      );
      await carry(bed, "left", { right: 1 });
      expect([1, 2, 3].map((at) => noted(seen, at))).toEqual([1, bed.index("right"), bed.index("right")]);
      ingress.close();
      await carry(bed, "left", { right: 1 });
      expect(noted(seen, 1)).toBe(1);
    });

    it("runs links in their order until one decides", async () => {
      const bed = devices();
      const second = tcx(await digit(2, NEXT), "right");
      tcx(await digit(5, OK), "right");
      const first = tcx(await digit(1, NEXT), "right", "ingress", { before: second });
      tcx(await digit(3, NEXT), "right", "ingress", { after: second });
      tcx(await digit(9, OK), "right");
      await carry(bed, "left", { right: 1 });
      expect(noted(seen, 0)).toBe(1235);
      first.update(await digit(7, SHOT));
      await carry(bed, "left", { right: 1 });
      expect(noted(seen, 0)).toBe(12357);
    });

    it("asks no further link after what is no verdict of tcx, but the filters", async () => {
      const bed = devices();
      const first = tcx(await digit(1, 1), "right");
      tcx(await digit(9, OK), "right");
      clsact(await digit(2, NEXT), "right", "ingress");
      await carry(bed, "left", { right: 1 });
      for (const [number, verdict] of [
        [3, 3],
        [4, 4],
        [5, 5],
        [6, 6],
        [7, 8],
        [8, 99],
      ] as const) {
        first.update(await digit(number, verdict));
        await carry(bed, "left", { right: 1 });
      }
      expect(noted(seen, 0)).toBe(12_32_42_52_62_72_82);
    });

    it("runs filters of clsact after the links, by priority, and the newest of one priority first", async () => {
      const bed = devices();
      clsact(await digit(4, NEXT), "right", "ingress", { priority: 2 });
      clsact(await digit(3, NEXT), "right", "ingress", { priority: 1, handle: 1 });
      clsact(await digit(2, NEXT), "right", "ingress", { priority: 1, handle: 2 });
      const last = clsact(await digit(5, OK), "right", "ingress", { priority: 3 });
      clsact(await digit(9, OK), "right", "ingress", { priority: 4 });
      tcx(await digit(1, NEXT), "right");
      await carry(bed, "left", { right: 1 });
      expect(noted(seen, 0)).toBe(12345);
      last.update(await digit(6, SHOT));
      await carry(bed, "left", { right: 1 });
      expect(noted(seen, 0)).toBe(1234512346);
      expect(last.id).toBe(0);
    });

    it("keeps frames from leaving by filters too", async () => {
      const bed = devices();
      for (const verdict of [2, 4, 8]) {
        const link = clsact(await program(`r0 = ${verdict}; exit`), "left", "egress");
        await carry(bed, "left", { right: 0 });
        link.close();
      }
      // What a filter may not return lets the frame go on.
      for (const verdict of [1, 3, 5, 6, 9]) {
        const link = clsact(await program(`r0 = ${verdict}; exit`), "left", "egress");
        await carry(bed, "left", { right: 1 });
        link.close();
      }
    });

    it("hands mark, priority and cb from program to program, and none of them to the other namespace", async () => {
      const bed = devices();
      tcx(
        await program("*(u32 *)(r6 + 8) = 0x1234; *(u32 *)(r6 + 32) = 5; *(u32 *)(r6 + 52) = 0xbeef; r0 = -1; exit"),
        "left",
        "egress",
      );
      tcx(
        await program(`${see(0, skb.mark)}; ${see(1, skb.priority)}; ${see(2, skb.cb + 4)}; r0 = 0; exit`),
        "left",
        "egress",
      );
      tcx(await program(`${see(3, skb.mark)}; ${see(4, skb.priority)}; r0 = 0; exit`), "right");
      await carry(bed, "left", { right: 1 });
      expect([0, 1, 2, 3, 4].map((at) => noted(seen, at))).toEqual([0x1234, 5, 0xbeef, 0, 0]);
    });

    it("has VLAN tags beside the packet, which taps see in it", async () => {
      const bed = devices();
      const push = tcx(await program("r2 = 0x0081; r3 = 42; call bpf_skb_vlan_push; r0 = 0; exit"), "left", "egress");
      tcx(
        await program(
          `${see(0, skb.vlanPresent)}; ${see(1, skb.vlanTci)}; r7 = *(u32 *)(r6 + 0); ${note(2, 7)}; r0 = 0; exit`,
        ),
        "right",
      );
      await carry(bed, "left", { right: 1 });
      expect([0, 1, 2].map((at) => noted(seen, at))).toEqual([1, 42, 60]);
      push.close();
      // The tag of a frame that comes with one is taken out before tc looks.
      const frame = new Uint8Array(64);
      frame.fill(0xff, 0, 6);
      frame.set([0x81, 0, 0x20, 7, 0x88, 0xb5], 12);
      await carry(bed, "left", { right: 1 }, [frame]);
      expect([0, 1, 2].map((at) => noted(seen, at))).toEqual([1, 0x2007, 60]);
    });

    it("redirects out of a device, and into one", async () => {
      const bed = devices();
      const out = bed.index("out");
      const link = tcx(await program(`r1 = ${out}; r2 = 0; call bpf_redirect; exit`), "right");
      await carry(bed, "left", { back: 1 });
      link.update(await program(`r1 = ${out}; r2 = ${BPF_F_INGRESS}; call bpf_redirect; exit`));
      tcx(await program(`${see(0, skb.ifindex)}; ${see(1, skb.ingressIfindex)}; r0 = 0; exit`), "out");
      await carry(bed, "left", { out: 1, back: 0 });
      expect([noted(seen, 0), noted(seen, 1)]).toEqual([out, out]);
      link.update(await program("r1 = 4711; r2 = 0; call bpf_redirect; exit"));
      await carry(bed, "left", { out: 0, back: 0 });
    });

    it("redirects from egress, and not for ever", async () => {
      const bed = devices();
      tcx(await program(`${count(0)}; r1 = ${bed.index("out")}; r2 = 0; call bpf_redirect; exit`), "right", "egress");
      await carry(bed, "right", { left: 0, back: 1 });
      tcx(await program(`${count(1)}; r1 = ${bed.index("right")}; r2 = 0; call bpf_redirect; exit`), "out", "egress");
      await carry(bed, "right", { left: 0, back: 0 });
      expect([noted(seen, 0), noted(seen, 1)]).toEqual([1 + 5, 5]);
    });

    it("puts frames into the other namespace at once (redirect_peer)", async () => {
      const bed = devices();
      const link = tcx(await program(`r1 = ${bed.index("out")}; r2 = 0; call bpf_redirect_peer; exit`), "right");
      tcx(await program(`${see(0, skb.ifindex)}; r0 = 0; exit`), "back");
      tcx(await program(`${count(1)}; r0 = 0; exit`), "out", "egress");
      await carry(bed, "left", { back: 1, out: 0 });
      expect([noted(seen, 0), noted(seen, 1)]).toEqual([bed.index("back"), 0]);
      link.close();
      tcx(await program(`r1 = ${bed.index("out")}; r2 = 0; call bpf_redirect_peer; exit`), "right", "egress");
      // Only on ingress.
      await carry(bed, "right", { left: 0, back: 0 });
    });

    it("sends clones", async () => {
      const bed = devices();
      tcx(
        await program(`r1 = r6; r2 = ${bed.index("out")}; r3 = 0; call bpf_clone_redirect; r7 = r0; ${note(0, 7)}
          r1 = r6; r2 = ${bed.index("out")}; r3 = ${BPF_F_INGRESS}; call bpf_clone_redirect
          r1 = r6; r2 = 4711; r3 = 0; call bpf_clone_redirect; r7 = r0; ${note(1, 7)}; r0 = 0; exit`),
        "right",
      );
      await carry(bed, "left", { right: 1, back: 1, out: 2 });
      expect([noted(seen, 0), noted(seen, 1)]).toEqual([0, Number(BigInt.asUintN(64, -22n))]);
    });

    it("sends a clone before the program that made it goes on", async () => {
      const bed = devices();
      const map = { seen: seenSpec };
      const inner = keep(
        await load(bed, "sched_cls", `r6 = r1; ${count(0)}; r0 = 0; exit`, { maps: map, live: { seen } }),
      );
      keep(bed.within("out", () => bed.host.attachTcx(inner, "out", "egress")));
      const source = `r1 = r6; r2 = ${bed.index("out")}; r3 = 0; call bpf_clone_redirect
        *(u32 *)(r10 - 20) = 0; r1 = map[seen]; r2 = r10; r2 += -20; call bpf_map_lookup_elem
        r7 = 0; if r0 == 0 goto +1; r7 = *(u64 *)(r0 + 0); ${note(1, 7)}; r0 = 0; exit`;
      tcx(await program(source), "right");
      await carry(bed, "left", { right: 1, back: 1 });
      expect([noted(seen, 0), noted(seen, 1)]).toEqual([1, 1]);
    });

    it("is refused where it is already, and where its place isn't", async () => {
      const bed = devices();
      const pass = await program("r0 = 0; exit");
      const xdp = keep(await load(bed, "xdp", "r0 = 2; exit"));
      const first = tcx(pass, "right");
      const on = (what: Program, device: string | number, place: { before?: Link; after?: Link } = {}) =>
        errnoOf(() => bed.within("right", () => keep(bed.host.attachTcx(what, device, "ingress", place))));
      expect(on(pass, "right")).toBe("EEXIST");
      expect(on(xdp, "right")).toBe("EINVAL");
      expect(on(pass, "nowhere")).toBe("ENODEV");
      expect(on(pass, 4711)).toBe("ENODEV");
      expect(on(pass, "out", { after: first })).toBe("ENOENT");
      expect(on(pass, "out")).toBe("no error");
      expect(errnoOf(() => first.update(xdp))).toBe("EINVAL");
      expect(errnoOf(() => first.update(pass))).toBe("no error");
      clsact(pass, "right", "ingress", { priority: 3 });
      expect(errnoOf(() => clsact(pass, "right", "ingress", { priority: 3 }))).toBe("EEXIST");
    });
  });
}
