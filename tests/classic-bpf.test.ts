import { encodeInstructions, NotSupportedError, parseClassic, prepareClassic, translateClassic } from "@tsbpf/core";
import { kernelProblem, loadOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";
import { recordedRuns } from "../packages/core/src/isa/testing/recorded-classic-runs.js";
import { recordedFilters } from "../packages/core/src/isa/testing/recorded-filters.js";

// The kernel verifies our translations of classic programs and runs them on packets; what it returns is compared with
// our interpreter of the classic program itself.

const problem = kernelProblem();
const suite = describe.skipIf(problem !== undefined);
const reason = problem ? ` (${problem})` : "";

const unhex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** Deterministic bytes (xorshift). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** What a socket filter gets to see: everything behind the Ethernet header that TEST_RUN takes off. */
function underEthernet(frame: Uint8Array): Uint8Array {
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 8, 0, ...frame]);
}

/** In the kernel's sandbox namespace the packet comes from lo, which is device 1. */
const environment = { dataStart: 14, linkStart: 0, networkStart: 14, protocol: 0x0800, ifindex: 1 };

function compare(text: string, frames: readonly Uint8Array[]): number {
  const program = parseClassic(text);
  const classic = prepareClassic(program);
  using translated = loadOnKernel({ insns: encodeInstructions(translateClassic(program)), type: "socket_filter" });
  let nonzero = 0;
  for (const frame of frames) {
    const packet = underEthernet(frame);
    const expected = classic(packet, environment);
    expect(translated.testRun({ data: packet }).retval, text).toBe(expected);
    if (expected !== 0) nonzero++;
  }
  return nonzero;
}

suite(`classic programs translated, run by the kernel${reason}`, () => {
  it("filter frames as the classic programs do", () => {
    const random = createRandom(1);
    const frames = Array.from({ length: 24 }, (_, round) => createFrame(round, random));
    let nonzero = 0;
    for (const { optimized, plain } of recordedFilters) {
      nonzero += compare(optimized, frames) + compare(plain, frames);
    }
    expect(nonzero).toBeGreaterThan(500);
  }, 60_000);

  it("compute as the classic programs do", () => {
    let nonzero = 0;
    let translated = 0;
    for (const [program, packet] of recordedRuns) {
      try {
        nonzero += compare(program, [unhex(packet)]);
        translated++;
      } catch (error) {
        if (!(error instanceof NotSupportedError)) throw error;
      }
    }
    expect(translated).toBe(recordedRuns.length);
    expect(nonzero).toBeGreaterThan(100);
  }, 60_000);

  it.each([
    ["protocol", 0, 0x0800],
    ["packet type", 4, 0],
    ["device", 8, 1],
    ["mark", 20, 0],
    ["queue", 24, 0],
    ["VLAN tag", 44, 0],
    ["VLAN tag's presence", 48, 0],
  ])("answers the question for the %s", (_what, question, answer) => {
    const program = parseClassic(`2,32 0 0 ${0xfffff000 + question},22 0 0 0`);
    using translated = loadOnKernel({ insns: encodeInstructions(translateClassic(program)), type: "socket_filter" });
    expect(translated.testRun({ data: underEthernet(new Uint8Array(20)) }).retval).toBe(answer);
  });

  it("is accepted for sched_cls too, and with random numbers and CPUs", () => {
    const program = parseClassic("4,32 0 0 4294963256,7 0 0 0,32 0 0 4294963236,22 0 0 0");
    for (const type of ["socket_filter", "sched_cls"] as const) {
      loadOnKernel({ insns: encodeInstructions(translateClassic(program)), type }).close();
    }
  });
});

/** Frames that filters can tell apart: IPv4 and IPv6 with TCP, UDP, ICMP, ARP, VLAN, and noise. */
function createFrame(round: number, random: () => number): Uint8Array {
  const noise = Array.from({ length: 20 + (random() % 200) }, () => random() & 0xff);
  const ports = [0, 1].flatMap(() => {
    const port = [22, 53, 80, 443, 1500, 6000][random() % 6]!;
    return [port >> 8, port & 0xff];
  });
  const macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
  const ipv4 = [0x45, 0, 0, 60, 0, 1, 0, 0, 64, [1, 6, 17, 47][round % 4]!, 0, 0, 10, 0, 0, 1, 192, 168, 1, 5];
  const ipv6 = [
    0x60,
    0,
    0,
    0,
    0,
    20,
    [6, 17, 58][round % 3]!,
    64,
    0x20,
    1,
    0x0d,
    0xb8,
    ...new Array(11).fill(0),
    1,
    0xff,
    2,
  ];
  switch (round % 6) {
    case 0:
    case 1:
      return Uint8Array.from([...macs, 8, 0, ...ipv4, ...ports, ...noise]);
    case 2:
      return Uint8Array.from([...macs, 0x86, 0xdd, ...ipv6, ...new Array(14).fill(0), ...ports, ...noise]);
    case 3:
      return Uint8Array.from([...macs, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...noise]);
    case 4:
      return Uint8Array.from([...macs, 0x81, 0, 0, 100, 8, 0, ...ipv4, ...ports, ...noise]);
    default:
      return Uint8Array.from(noise);
  }
}
