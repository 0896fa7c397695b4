import { beforeEach, describe, expect, it } from "vitest";
import type { BpfMap, Link, Program } from "../index.js";
import { carry, count, load, note, noted, seenSpec, stamp } from "./device-steps.js";
import type { DevicesUnderTest, TestDevice } from "./device-test-bed.js";
import { closeAfterEach } from "./keeping.js";
import { errnoOf, mapSpec, u32 } from "./specs.js";

const XDP_DROP = 1;
const XDP_PASS = 2;
const XDP_TX = 3;
const BPF_F_BROADCAST = 8;
const BPF_F_EXCLUDE_INGRESS = 16;

const verdict = (action: number) => `r0 = ${action}; exit`;

export function xdpDeviceContract(devices: DevicesUnderTest): void {
  describe("XDP on a device", () => {
    const keep = closeAfterEach();
    let seen: BpfMap;
    beforeEach(() => {
      seen = keep(devices().host.createMap(seenSpec));
    });
    const program = async (source: string, choices: Parameters<typeof load>[3] = {}): Promise<Program> =>
      keep(
        await load(devices(), "xdp", source, {
          maps: { seen: seenSpec, ...choices.maps },
          ...choices,
          live: { seen, ...choices.live },
        }),
      );
    const attach = (device: TestDevice, what: Program, mode?: "native" | "generic"): Link => {
      const bed = devices();
      return keep(bed.within(device, () => bed.host.attachXdp(what, device, { mode })));
    };

    for (const mode of ["native", "generic"] as const) {
      it(`decides about frames until it is closed (${mode})`, async () => {
        const bed = devices();
        await carry(bed, "left", { right: 1 });
        const link = attach("right", await program(verdict(XDP_DROP)), mode);
        expect(link.kind).toBe("xdp");
        expect(link.id).toBeGreaterThan(0);
        await carry(bed, "left", { right: 0 });
        link.update(await program(verdict(XDP_PASS)));
        await carry(bed, "left", { right: 1 });
        link.update(await program("r0 = 0; exit"));
        await carry(bed, "left", { right: 0 });
        link.update(await program("r0 = 77; exit"));
        await carry(bed, "left", { right: 0 });
        link.close();
        link.close();
        await carry(bed, "left", { right: 1 });
      });

      it(`sees where the frame came in, and changes it (${mode})`, async () => {
        const bed = devices();
        const source = `r6 = r1
          r7 = *(u32 *)(r6 + 12); ${note(0, 7)}; r7 = *(u32 *)(r6 + 16); ${note(1, 7)}
          ${stamp(20, 0xab)}
          r0 = 2; exit`;
        attach("right", await program(source), mode);
        const { right } = await carry(bed, "left", { right: 1 });
        expect(right![0]![20]).toBe(0xab);
        expect([noted(seen, 0), noted(seen, 1)]).toEqual([bed.index("right"), 0]);
      });

      it(`moves the frame's start and end (${mode})`, async () => {
        const bed = devices();
        const source = `r6 = r1; r2 = -4; call bpf_xdp_adjust_head
          r1 = r6; r2 = -10; call bpf_xdp_adjust_tail
          r2 = *(u32 *)(r6 + 0); r3 = *(u32 *)(r6 + 4); r4 = r2; r4 += 18; if r4 > r3 goto 1f
          r5 = *(u32 *)(r2 + 4); *(u32 *)(r2 + 0) = r5; r5 = *(u32 *)(r2 + 8); *(u32 *)(r2 + 4) = r5
          r5 = *(u32 *)(r2 + 12); *(u32 *)(r2 + 8) = r5; *(u16 *)(r2 + 12) = 0xb588
        1: r0 = 2; exit`;
        attach("right", await program(source), mode);
        const { right } = await carry(bed, "left", { right: 1 });
        expect(right![0]!.length).toBe(54);
        expect([...right![0]!.subarray(0, 12)]).toEqual([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1]);
      });

      it(`redirects to a device by its index (${mode})`, async () => {
        const bed = devices();
        attach("right", await program(`r1 = ${bed.index("out")}; r2 = 0; call bpf_redirect; exit`), mode);
        // Native XDP sends only to where XDP is native too.
        if (mode === "native") {
          await carry(bed, "left", { back: 0, right: 0 });
          attach("back", await program(verdict(XDP_PASS)));
        }
        await carry(bed, "left", { back: 1, right: 0, out: 0 });
      });

      it(`redirects by a device map, through the program behind its entry (${mode})`, async () => {
        const bed = devices();
        const behind = await program(
          `r6 = r1; r7 = *(u32 *)(r6 + 12); ${note(2, 7)}; r7 = *(u32 *)(r6 + 20); ${note(3, 7)}; ${stamp(21, 0xcd)}; r0 = 2; exit`,
          { attachType: "xdp_devmap" },
        );
        const spec = mapSpec("devmap_hash", { name: "ports" });
        const ports = keep(bed.host.createMap(spec));
        const value = new Uint8Array(8);
        value.set(u32(bed.index("out")));
        value.set(u32((behind as unknown as { fd: number }).fd), 4);
        bed.within("right", () => ports.raw.update(u32(0x1234), value));
        const redirect = `r1 = map[ports]; r2 = 0x1234; r3 = 1; call bpf_redirect_map; exit`;
        const choices = { maps: { ports: spec }, live: { ports } };
        attach("right", await program(redirect, choices), mode);
        attach("back", await program(verdict(XDP_PASS)));
        const { back } = await carry(bed, "left", { back: 1, right: 0 });
        expect(back![0]![21]).toBe(0xcd);
        expect([noted(seen, 2), noted(seen, 3)]).toEqual([bed.index("right"), bed.index("out")]);
        // Without the entry it is the flags' verdict.
        ports.raw.delete(u32(0x1234));
        await carry(bed, "left", { back: 0, right: 0 });
      });

      it(`broadcasts to all devices of a map but the one it came in by (${mode})`, async () => {
        const bed = devices();
        const spec = mapSpec("devmap", { name: "ports", valueSize: 4 });
        const ports = keep(bed.host.createMap(spec));
        bed.within("right", () => {
          ports.raw.update(u32(1), u32(bed.index("right")));
          ports.raw.update(u32(2), u32(bed.index("out")));
          ports.raw.update(u32(5), u32(bed.index("out")));
        });
        const redirect = (flags: number) => `r1 = map[ports]; r2 = 0; r3 = ${flags}; call bpf_redirect_map; exit`;
        const choices = { maps: { ports: spec }, live: { ports } };
        const link = attach("right", await program(redirect(BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS), choices), mode);
        attach("back", await program(verdict(XDP_PASS)));
        attach("left", await program(verdict(XDP_PASS)));
        await carry(bed, "left", { back: 2, left: 0 });
        link.update(await program(redirect(BPF_F_BROADCAST), choices));
        await carry(bed, "left", { back: 2, left: 1 });
      });

      it(`hands frames to another CPU, to the program behind the entry (${mode})`, async () => {
        const bed = devices();
        const behind = await program(
          `r6 = r1; r7 = *(u32 *)(r6 + 12); ${note(4, 7)}; ${count(5)}
          call bpf_get_smp_processor_id; r7 = r0; ${note(6, 7)}; ${stamp(22, 0xef)}; r0 = 2; exit`,
          {
            attachType: "xdp_cpumap",
          },
        );
        const spec = mapSpec("cpumap", { name: "cpus", maxEntries: 2 });
        const cpus = keep(bed.host.createMap(spec));
        const value = new Uint8Array(8);
        value.set(u32(64));
        value.set(u32((behind as unknown as { fd: number }).fd), 4);
        cpus.raw.update(u32(1), value);
        const redirect = "r1 = map[cpus]; r2 = 1; r3 = 0; call bpf_redirect_map; exit";
        attach("right", await program(redirect, { maps: { cpus: spec }, live: { cpus } }), mode);
        const { right } = await carry(bed, "left", { right: 1 });
        expect(right![0]![22]).toBe(mode === "native" ? 0xef : right![0]![22]);
        if (mode === "native")
          expect([noted(seen, 4), noted(seen, 5), noted(seen, 6)]).toEqual([bed.index("right"), 1, 1]);
      });
    }

    it("sends frames back in generic mode, and in native mode where the other end runs XDP too", async () => {
      const bed = devices();
      const generic = attach("right", await program(`r6 = r1; ${stamp(23, 0x77)}; r0 = ${XDP_TX}; exit`), "generic");
      const { left } = await carry(bed, "left", { left: 1, right: 0 });
      expect(left![0]![23]).toBe(0x77);
      generic.close();
      attach("right", await program(verdict(XDP_TX)), "native");
      await carry(bed, "left", { left: 0, right: 0 });
      attach("left", await program(`${count(7)}; r0 = ${XDP_PASS}; exit`), "native");
      await carry(bed, "left", { left: 1, right: 0 });
      expect(noted(seen, 7)).toBe(1);
    });

    it("is refused where another is, in another mode, and by what no device has", async () => {
      const bed = devices();
      const pass = await program(verdict(XDP_PASS));
      const other = await program(verdict(XDP_DROP));
      const tc = keep(await load(bed, "sched_cls", "r0 = 0; exit"));
      const devmap = await program(verdict(XDP_PASS), { attachType: "xdp_devmap" });
      const on = (what: Program, device: string | number, mode?: "native" | "generic" | "offload") =>
        errnoOf(() => bed.within("right", () => keep(bed.host.attachXdp(what, device, { mode }))));
      expect(on(pass, "nowhere")).toBe("ENODEV");
      expect(on(pass, 4711)).toBe("EINVAL");
      expect(on(tc, "right")).toBe("EINVAL");
      expect(on(devmap, "right")).toBe("EINVAL");
      expect(on(pass, "right", "offload")).toBe("EINVAL");
      const link = attach("right", pass);
      expect(on(other, "right")).toBe("EBUSY");
      expect(on(other, "right", "native")).toBe("EBUSY");
      expect(on(other, "right", "generic")).toBe("EEXIST");
      expect(errnoOf(() => link.update(tc))).toBe("EINVAL");
      expect(errnoOf(() => link.update(devmap))).toBe("EINVAL");
      expect(link.program).toBe(pass);
      link.close();
      expect(on(other, "right", "generic")).toBe("no error");
      expect(on(pass, "right", "native")).toBe("EEXIST");
    });

    it("keeps its program when the handle is closed", async () => {
      const bed = devices();
      const dropping = await program(verdict(XDP_DROP));
      attach("right", dropping);
      dropping.close();
      await carry(bed, "left", { right: 0 });
    });
  });
}
