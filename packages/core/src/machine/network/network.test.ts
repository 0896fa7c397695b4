import { describe, expect, it } from "vitest";
import { assembleProgram, contractFrame, mapSpec, u32 } from "../../host/testing/index.js";
import { buildPacket, ethernet, ipv4, PcapWriter, udp } from "../../packet/index.js";
import { Machine, type NetworkEvent } from "../index.js";
import { receiveSideScaling, toeplitz } from "./receive-side-scaling.js";

const xdp = (machine: Machine, source: string, choices: Parameters<typeof assembleProgram>[2] = {}) =>
  machine.loadProgram(assembleProgram("xdp", source, choices));

function flow(port: number): Uint8Array {
  const ip = ipv4({ src: "10.0.0.1", dst: "10.0.0.2" });
  return buildPacket(ethernet(), ip, udp({ src: port, dst: 53 }), new Uint8Array(18));
}

describe("the Machine's network", () => {
  it("hashes flows as the specification of receive side scaling verifies it", () => {
    // 66.9.149.187:2794 to 161.142.100.80:1766, and its addresses alone.
    const input = Uint8Array.of(66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6);
    expect(toeplitz(input, 0, 12)).toBe(0x51ccc178);
    expect(toeplitz(input, 0, 8)).toBe(0x323e8fc2);
    expect(receiveSideScaling(contractFrame(1))).toBe(0);
  });

  it("spreads flows over receive queues, each on its CPU", async () => {
    using machine = new Machine({ cpus: 4 });
    const device = machine.network.initial.createCapture("eth0", { rxQueues: 4 });
    const spec = mapSpec("array", { name: "queues", maxEntries: 64 });
    const queues = machine.createMap(spec);
    using counting = await machine.loadProgram(
      assembleProgram(
        "xdp",
        `r7 = *(u32 *)(r1 + 16); call bpf_get_smp_processor_id; r0 <<= 2; r7 += r0; *(u32 *)(r10 - 4) = r7
         r1 = map[queues]; r2 = r10; r2 += -4; call bpf_map_lookup_elem; if r0 == 0 goto +2
         r1 = 1; lock *(u64 *)(r0 + 0) += r1; r0 = 1; exit`,
        { maps: { queues: spec } },
      ),
      { maps: { queues } },
    );
    machine.attachXdp(counting, device);
    for (let port = 1000; port < 1400; port++) device.receive(flow(port));
    const counts = [...Array(4).keys()].map((queue) => {
      const value = queues.lookup(queue * 4 + queue) as Uint8Array;
      return value[0]! | (value[1]! << 8);
    });
    expect(counts.reduce((sum, count) => sum + count)).toBe(400);
    expect(Math.min(...counts)).toBeGreaterThan(60);
    expect(() => device.receive(flow(1), 4)).toThrow("eth0 has 4 queues, none is 4");
  });

  it("takes captures in, and gives captures out", async () => {
    using machine = new Machine();
    const device = machine.network.initial.createCapture("eth0");
    using back = await xdp(machine, "r0 = 3; exit");
    machine.attachXdp(back, device);
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((chunk) => chunks.push(chunk));
    for (let port = 1; port <= 3; port++) writer.write(flow(port), port, 0);
    writer.end();
    expect(device.replay(chunks[0]!)).toBe(3);
    expect(device.transmitted).toEqual([flow(1), flow(2), flow(3)]);
    const again = machine.network.initial.createCapture("eth1");
    expect(again.replay(device.pcap())).toBe(3);
    expect(() => again.replay(Uint8Array.of(1, 2, 3, 4))).toThrow();
  });

  it("tells of aborted frames, failed redirections and faults", async () => {
    using machine = new Machine();
    const device = machine.network.initial.createCapture("eth0");
    const events: NetworkEvent[] = [];
    machine.network.onEvent = (event) => events.push(event);
    using aborting = await xdp(machine, "r0 = 0; exit");
    using lost = await xdp(machine, "r1 = 99; r2 = 0; call bpf_redirect; exit");
    using faulty = await machine.loadProgram(assembleProgram("xdp", "r0 = *(u32 *)(r1 + 4096); exit"), {
      verify: false,
    });
    using link = machine.attachXdp(aborting, device);
    device.receive(contractFrame(1));
    link.update(lost);
    device.receive(contractFrame(2));
    link.update(faulty);
    device.receive(contractFrame(3));
    expect(events.map(({ kind }) => kind)).toEqual(["xdp_exception", "xdp_redirect_error", "fault", "xdp_exception"]);
    expect(events[1]).toMatchObject({ errno: 22 });
    expect(events[2]).toMatchObject({ device, program: faulty });
    expect(device.counters).toMatchObject({ rxPackets: 3, xdpAborted: 2, xdpRedirect: 1, xdpRedirectErrors: 1 });
  });

  it("lets packets that run in circles take steps and no stack", async () => {
    using machine = new Machine();
    const [one, other] = machine.createVeth({ name: "one" }, { name: "other" });
    using back = await xdp(machine, "r0 = 3; exit");
    machine.attachXdp(back, one);
    machine.attachXdp(back, other);
    machine.network.automatic = false;
    using socket = machine.network.initial.openPacketSocket("one");
    socket.send(contractFrame(1));
    expect(machine.network.pending).toBe(1);
    expect(machine.run(10_001)).toBe(10_001);
    expect(machine.network.pending).toBe(1);
    expect(one.counters.xdpTx + other.counters.xdpTx).toBe(10_000);
    machine.network.automatic = true;
    expect(() => socket.send(contractFrame(2))).toThrow("2 frames are still on their way");
  });

  it("leads frames to the AF_XDP socket of their queue, and to no other", async () => {
    using machine = new Machine();
    const device = machine.network.initial.createCapture("eth0", { rxQueues: 2 });
    const spec = mapSpec("xskmap", { name: "sockets", valueSize: 4 });
    const sockets = machine.createMap(spec);
    using socket = machine.createXdpSocket(device, 1);
    sockets.raw.update(u32(0), u32(socket.fd));
    sockets.raw.update(u32(1), u32(socket.fd));
    const source = "r2 = *(u32 *)(r1 + 16); r1 = map[sockets]; r3 = 2; call bpf_redirect_map; exit";
    using program = await machine.loadProgram(assembleProgram("xdp", source, { maps: { sockets: spec } }), {
      maps: { sockets },
    });
    machine.attachXdp(program, device);
    device.receive(contractFrame(1), 1);
    device.receive(contractFrame(2), 0);
    expect(socket.receive()?.[14]).toBe(1);
    expect(socket.receive()).toBeUndefined();
    expect(device.counters.xdpRedirectErrors).toBe(1);
    sockets.raw.delete(u32(1));
    device.receive(contractFrame(3), 1);
    expect(device.counters.xdpPass).toBe(1);
  });

  it("holds what is attached, and no more", async () => {
    using machine = new Machine();
    const device = machine.network.initial.createCapture("eth0");
    const program = await xdp(machine, "r0 = 1; exit");
    const link = machine.attachXdp(program, device);
    program.close();
    device.receive(contractFrame(1));
    expect(device.counters.xdpDrop).toBe(1);
    const { blocks } = machine.runtime.memory.stats;
    link.close();
    expect(machine.runtime.memory.stats.blocks).toBeLessThan(blocks);
    device.receive(contractFrame(1));
    expect(device.counters.xdpDrop).toBe(1);
    expect(() => link.update(program)).toThrow("EBADF");
  });
});
