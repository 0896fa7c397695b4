import { describe, expect, it } from "vitest";
import { assembleProgram, testFrame } from "../host/testing/index.js";
import { Machine } from "./index.js";

const run = async (source: string, type: "xdp" | "sched_cls" | "socket_filter" = "xdp", budget = 100_000) => {
  const machine = new Machine({ budget });
  const program = await machine.loadProgram(assembleProgram(type, source), { verify: false });
  return { machine, program, runner: machine.createPacketRunner(program) };
};

describe("PacketRunner", () => {
  it("starts each packet anew, wherever its bytes lie", async () => {
    const { runner } = await run("r1 = *(u32 *)(r1 + 0); r2 = *(u8 *)(r1 + 0); r0 = r2; *(u8 *)(r1 + 0) = 0xff; exit");
    const bytes = Uint8Array.of(...new Array(7).fill(9), ...testFrame, ...testFrame);
    bytes[7 + testFrame.length] = 5;
    for (const [from, first] of [
      [7, 2],
      [7 + testFrame.length, 5],
      [7, 2],
    ] as const) {
      expect(runner.run(bytes, from, testFrame.length)).toBe("verdict");
      expect([runner.retval, runner.packetLength, runner.packet()[0]]).toEqual([first, 60, 0xff]);
    }
    expect(bytes[7]).toBe(2);
  });

  it("skips what the hook does not take, and says why", async () => {
    const { runner } = await run("r0 = 2; exit");
    expect(runner.run(testFrame, 0, 13)).toBe("skipped");
    expect(runner.skipReason).toBe("a frame needs 14 bytes");
    const tc = await run("r0 = 2; exit", "sched_cls");
    expect(tc.runner.run(testFrame, 0, 20)).toBe("skipped");
    expect(tc.runner.skipReason).toBe("the frame ends within its IP header");
    expect(tc.runner.run(new Uint8Array(4000))).toBe("skipped");
  });

  it("says where a packet is redirected to, and forgets it for the next", async () => {
    const { runner } = await run(`
      r1 = *(u32 *)(r1 + 0); r1 = *(u8 *)(r1 + 0); if r1 == 2 goto 1f; r0 = 2; exit
    1: r1 = 7; r2 = 0; call bpf_redirect; exit`);
    runner.run(testFrame);
    expect([runner.retval, runner.redirect.kind, runner.redirect.index]).toEqual([4, "device", 7]);
    runner.run(new Uint8Array(60));
    expect([runner.retval, runner.redirect.kind]).toEqual([2, "none"]);
  });

  it("goes on after a fault and an exhausted budget, which it describes", async () => {
    const { runner } = await run(`
      r1 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r1 + 0); if r0 == 2 goto 1f; if r0 == 3 goto 2f; exit
    1: r0 = *(u32 *)(r1 + 60); exit
    2: goto 2b`);
    expect(runner.run(testFrame)).toBe("fault");
    expect(runner.error?.message).toMatch(/load of 4 bytes at 0x[0-9a-f]+: outside of the packet/);
    expect(runner.error?.slot).toBe(5);
    expect(runner.run(Uint8Array.of(3, ...testFrame.subarray(1)))).toBe("budget");
    expect(runner.error?.message).toContain("the instruction budget is exhausted");
    expect(runner.run(Uint8Array.of(9, ...testFrame.subarray(1)))).toBe("verdict");
    expect([runner.retval, runner.error]).toEqual([9, undefined]);
  });

  it("has a tc program's VLAN tag beside the packet", async () => {
    const { runner } = await run("r2 = 0xa888; r3 = 7; call bpf_skb_vlan_push; r0 = 0; exit", "sched_cls");
    runner.run(testFrame);
    expect(runner.vlanTag).toEqual({ protocol: 0x88a8, tci: 7 });
    expect(runner.packet()).toEqual(testFrame);
  });

  it("holds its program, and gives memory back", async () => {
    const { machine, program, runner } = await run("r0 = 2; exit");
    const { blocks } = machine.runtime.memory.stats;
    const other = machine.createPacketRunner(program);
    other.close();
    other.close();
    expect(machine.runtime.memory.stats.blocks).toBe(blocks);
    program.close();
    expect(() => runner.run(testFrame)).toThrow("EBADF");
    runner.close();
    expect(machine.runtime.memory.stats.blocks).toBeLessThan(blocks);
  });
});
