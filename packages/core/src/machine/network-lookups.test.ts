import { describe, expect, it } from "vitest";
import { assembleProgram, testFrame } from "../host/testing/index.js";
import { Machine } from "./index.js";

const ip = (...bytes: number[]) => Uint8Array.from(bytes);

/** Copies the struct bpf_fib_lookup at r10-64 over the packet, behind the result in its first byte. */
const fibLookup = `
  r7 = r1; r2 = r10; r2 += -64; r3 = 0; r4 = r10
1: *(u64 *)(r2 + 0) = r3; r2 += 8; if r2 != r4 goto 1b
  *(u8 *)(r10 - 64) = 2; *(u32 *)(r10 - 56) = 5; *(u32 *)(r10 - 32) = 0x0901000a
  r1 = r7; r2 = r10; r2 += -64; r3 = 64; r4 = 0; call bpf_fib_lookup
  r8 = r0; r1 = r7; r2 = 0; r3 = r10; r3 += -64; r4 = 60; call bpf_xdp_store_bytes
  r1 = r7; r2 = 0; r3 = r10; r3 += -12; r4 = 12; call bpf_xdp_store_bytes
  r0 = r8; exit`;

async function machineWith(source: string) {
  const machine = new Machine();
  const program = await machine.loadProgram(assembleProgram("xdp", source), { verify: false });
  return { machine, tables: machine.environment.network, run: () => program.testRun({ data: testFrame }) };
}

describe("bpf_fib_lookup", () => {
  it("answers from the caller's devices, routes and neighbours", async () => {
    const { tables, run } = await machineWith(fibLookup);
    expect(run().retval | 0).toBe(-19);
    tables.devices.set(5, { name: "eth0" });
    expect(run().retval).toBe(5);
    tables.devices.set(5, { name: "eth0", forwarding: true });
    expect(run().retval).toBe(4);
    tables.routes.push({ destination: ip(10, 0, 0, 0), prefixLength: 8, device: 6, gateway: ip(10, 9, 9, 9) });
    tables.devices.set(6, { name: "eth1", mac: ip(2, 0, 0, 0, 0, 6) });
    expect(run().retval).toBe(7);
    tables.neighbours.push({ address: ip(10, 9, 9, 9), device: 6, mac: ip(2, 0, 0, 0, 0, 9) });
    const { retval, data } = run();
    expect(retval).toBe(0);
    expect([...data.subarray(0, 12)]).toEqual([2, 0, 0, 0, 0, 6, 2, 0, 0, 0, 0, 9]);
    expect([...data.subarray(32, 36)]).toEqual([10, 9, 9, 9]);
    tables.routes.push({ destination: ip(10, 0, 1, 0), prefixLength: 24, device: 6, kind: "blackhole" });
    expect(run().retval).toBe(1);
  });
});

describe("bpf_sk_lookup_tcp", () => {
  it("finds the caller's sockets, which programs can read", async () => {
    // From 10.0.0.2:5000 to 10.0.0.1:80.
    const { tables, run } = await machineWith(`
      *(u32 *)(r10 - 12) = 0x0200000a; *(u32 *)(r10 - 8) = 0x0100000a; *(u16 *)(r10 - 4) = 0x8813; *(u16 *)(r10 - 2) = 0x5000
      r2 = r10; r2 += -12; r3 = 12; r4 = -1; r5 = 0; call bpf_sk_lookup_tcp
      if r0 == 0 goto 1f
      r6 = r0; r7 = *(u32 *)(r6 + 72); r8 = *(u32 *)(r6 + 16); r7 <<= 16; r7 |= r8
      r1 = r6; call bpf_sk_release
      r0 = r7
    1: exit`);
    expect(run().retval).toBe(0);
    tables.sockets.push({ protocol: "tcp", localAddress: ip(10, 0, 0, 1), localPort: 80, mark: 0x77 });
    expect(run().retval).toBe((10 << 16) | 0x77);
    const remote = { remoteAddress: ip(10, 0, 0, 2), remotePort: 5000 };
    tables.sockets.push({ protocol: "tcp", localAddress: ip(10, 0, 0, 1), localPort: 80, mark: 0x88, ...remote });
    expect(run().retval).toBe((1 << 16) | 0x88);
  });
});
