import { describe, expect, it } from "vitest";
import { SyscallError } from "../../base/index.js";
import { VerifierError } from "../../host/index.js";
import { assembleProgram, errnoOf, mapSpec, u64 } from "../../host/testing/index.js";
import { createObject } from "../../spec/index.js";
import { Machine, nicLimits } from "../index.js";

const hits = mapSpec("array", { name: "hits", maxEntries: 1 });
/** Counts frames, and does with them what their first byte says. */
const byFirstByte = assembleProgram(
  "xdp",
  `r6 = r1
   *(u32 *)(r10 - 4) = 0
   r2 = r10
   r2 += -4
   r1 = map[hits]
   call bpf_map_lookup_elem
   if r0 == 0 goto +2
   r1 = 1
   lock *(u64 *)(r0 + 0) += r1
   r2 = *(u32 *)(r6 + 0)
   r3 = *(u32 *)(r6 + 4)
   r4 = r2
   r4 += 1
   r0 = 0
   if r4 > r3 goto +1
   r0 = *(u8 *)(r2 + 0)
   exit`,
  { name: "by_first_byte", maps: { hits } },
);
const shootOdd = assembleProgram("sched_cls", "r0 = *(u32 *)(r1 + 0)\nr0 &= 1\nr0 <<= 1\nexit", { name: "shoot_odd" });
const frame = (first: number, length = 60) => Uint8Array.from({ length }, (_, at) => (at === 0 ? first : 0));
const object = createObject({ programs: [byFirstByte, shootOdd], maps: [hits] });

function setUp() {
  const machine = new Machine();
  const namespace = machine.createNamespace("host");
  const nic = machine.createSimulatedNic("nic0", { namespace });
  const tap = namespace.openPacketSocket("nic0");
  return { machine, namespace, nic, tap };
}

describe("a simulated card", () => {
  it("runs XDP itself: what it drops or sends back never comes to the Machine", async () => {
    const { machine, nic, tap } = setUp();
    const loaded = await nic.load(object);
    const before = machine.runtime.memory.stats.blocks;
    const link = machine.attachXdp(loaded.program("by_first_byte"), nic, { mode: "offload" });
    expect([link.kind, nic.driver, machine.linkIds]).toEqual(["xdp", "simulated", [link.id]]);
    for (const verdict of [0, 1, 2, 3, 4, 2]) nic.receive(frame(verdict));
    expect(nic.counters).toMatchObject({ xdpAborted: 2, xdpDrop: 1, xdpPass: 2, xdpTx: 1, rxPackets: 2 });
    expect(nic.takeTransmitted()).toEqual([frame(3)]);
    expect([tap.receive(), tap.receive(), tap.receive()].filter((each) => each?.[0] === 2)).toHaveLength(2);
    expect(loaded.map("hits").lookup(0)).toEqual(u64(6));
    // Nothing of it lies in the Machine's own memory, or among its programs and maps.
    expect([machine.programIds, machine.mapIds]).toEqual([[], []]);
    expect(machine.runtime.memory.stats.blocks).toBeLessThanOrEqual(before + 1);
    link.close();
    nic.receive(frame(1));
    expect(nic.counters).toMatchObject({ xdpDrop: 1, rxPackets: 3 });
    machine.close();
  });

  it("runs tc on what comes in, behind XDP, and changes programs under traffic", async () => {
    const { machine, nic } = setUp();
    const loaded = await nic.load(object);
    using filter = machine.attachClsact(loaded.program("shoot_odd"), nic, "ingress");
    nic.receive(frame(0, 60));
    nic.receive(frame(0, 61));
    expect(nic.counters).toMatchObject({ rxPackets: 1, rxDropped: 1 });
    using link = machine.attachXdp(loaded.program("by_first_byte"), nic, { mode: "offload" });
    const drops = await nic.load(
      createObject({ programs: [assembleProgram("xdp", "r0 = 1\nexit", { name: "drops" })] }),
    );
    link.update(drops.program("drops"));
    nic.receive(frame(2));
    expect(nic.counters).toMatchObject({ xdpDrop: 1, rxPackets: 1 });
    expect(errnoOf(() => machine.attachClsact(loaded.program("shoot_odd"), nic, "egress"))).toBe("EOPNOTSUPP");
    expect(errnoOf(() => machine.attachClsact(loaded.program("shoot_odd"), nic, "ingress"))).toBe("EBUSY");
    filter.close();
    machine.close();
  });

  it("takes only what was loaded onto it, and other devices nothing of it", async () => {
    const { machine, namespace, nic } = setUp();
    const loaded = await nic.load(object);
    const onCard = loaded.program("by_first_byte");
    using host = await machine.loadProgram(assembleProgram("xdp", "r0 = 2\nexit"));
    const plain = namespace.createCapture("eth0");
    const refusals = [
      () => machine.attachXdp(host, nic, { mode: "offload" }),
      () => machine.attachXdp(host, plain, { mode: "offload" }),
      () => machine.attachXdp(onCard, plain, { mode: "offload" }),
      () => machine.attachXdp(onCard, nic),
      () => machine.attachXdp(onCard, nic, { mode: "native" }),
      () => machine.attachXdp(loaded.program("shoot_odd"), nic, { mode: "offload" }),
    ];
    expect(refusals.map(errnoOf)).toEqual(refusals.map(() => "EINVAL"));
    machine.attachXdp(onCard, nic, { mode: "offload" });
    expect(errnoOf(() => machine.attachXdp(onCard, nic, { mode: "offload" }))).toBe("EBUSY");
    // A program of the host's has its own place beside.
    machine.attachXdp(host, nic).close();
    machine.close();
  });

  it("refuses what its driver would, by name and with the reason", async () => {
    const { machine, nic } = setUp();
    const load = (program: Parameters<typeof assembleProgram>) =>
      nic.load(createObject({ programs: [assembleProgram(...program)] })).catch((error: unknown) => error);
    const refusals = [
      await load(["xdp", "call bpf_ktime_get_ns\nr0 = 2\nexit"]),
      await load(["socket_filter", "r0 = 0\nexit"]),
      await load(["xdp", `${"r0 = 2\n".repeat(nicLimits.slots)}exit`]),
    ];
    expect(refusals.every((error) => error instanceof VerifierError)).toBe(true);
    expect(refusals.map((error) => (error as VerifierError).reason)).toEqual([
      "[simulated nic nic0] the card has no bpf_ktime_get_ns()",
      "[simulated nic nic0] programs of type socket_filter are not offloaded",
      "[simulated nic nic0] 4097 instructions, of 4096 at most",
    ]);
    expect((refusals[0] as VerifierError).slot).toBe(0);
    const maps = [mapSpec("lru_hash"), mapSpec("hash", { valueSize: 61 }), mapSpec("array", { maxEntries: 1 << 20 })];
    for (const map of maps) expect(() => nic.createMap(map)).toThrow(SyscallError);
    expect(() => nic.createMap(maps[0]!)).toThrow("[simulated nic nic0] maps of type lru_hash are not offloaded");
    // The kernel's own verifier comes as well.
    expect(await load(["xdp", "r0 = *(u32 *)(r1 + 100)\nexit"])).toBeInstanceOf(VerifierError);
    nic.createMap(mapSpec("hash")).close();
    machine.close();
  });
});
