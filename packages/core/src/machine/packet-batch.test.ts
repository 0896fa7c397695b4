import { describe, expect, it } from "vitest";
import type { ProgramType } from "../abi/index.js";
import { assemble } from "../isa/index.js";
import { createMap, createProgram } from "../spec/index.js";
import { Machine } from "./machine.js";

const PACKETS = 200;

/** Ethernet frames of many lengths, some of them too short for any hook. */
const frames = Array.from({ length: PACKETS }, (_, index) => {
  const bytes = Uint8Array.from(
    { length: index % 17 === 3 ? 9 : 20 + ((index * 37) % 900) },
    (_byte, at) => at * index,
  );
  bytes.subarray(12, 14).set([0x88, 0xb5].slice(0, Math.max(0, bytes.length - 12)));
  return bytes;
});

interface Case {
  readonly type: ProgramType;
  readonly source: string;
  /** Whether its packets wait for each other. */
  readonly waits: boolean;
  readonly verify?: boolean;
}

const parse = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 16\nr0 = 1\nif r4 > r3 goto out\n";

/** Counts packets in the array, by a byte of theirs, and writes the count into them. */
const count = `${parse}r6 = r2\nr1 = *(u8 *)(r6 + 15)\nr1 &= 15\n*(u32 *)(r10 - 4) = r1\nr2 = r10\nr2 += -4\nr1 = 0 ll
  call 1\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\n*(u8 *)(r6 + 1) = r1\nr0 = r1\nr0 &= 3\nout:\nexit`;

const cases: Record<string, Case> = {
  "counts in a map and writes to the packet": { type: "xdp", source: count, waits: true },
  "reads a context with a socket buffer": {
    type: "sched_cls",
    source: "r0 = *(u32 *)(r1 + 0)\nr2 = 7\n*(u32 *)(r1 + 8) = r2\nexit",
    waits: true,
  },
  "starts at the network header": { type: "socket_filter", source: "r0 = *(u32 *)(r1 + 0)\nexit", waits: true },
  "moves the packet's start": {
    type: "xdp",
    source: "r2 = -8\ncall 44\nr0 = 2\nexit",
    waits: false,
  },
  "asks for the time": {
    type: "xdp",
    source: `${parse}r6 = r2\ncall 5\n*(u64 *)(r6 + 0) = r0\nout:\nr0 = 2\nexit`,
    waits: true,
  },
  "asks for a random number": { type: "xdp", source: "call 7\nr0 &= 3\nexit", waits: false },
  "was not verified, and faults on some packets": {
    type: "xdp",
    source: `${parse}r1 = *(u8 *)(r2 + 15)\nif r1 > 40 goto out\nr0 = *(u64 *)(r1 + 0)\nout:\nexit`,
    waits: true,
    verify: false,
  },
  "was not verified, and goes on for ever on some packets": {
    type: "xdp",
    source: `${parse}r1 = *(u8 *)(r2 + 15)\nagain:\nif r1 > 250 goto again\nout:\nexit`,
    waits: true,
    verify: false,
  },
};

/** What is told of each packet, and what is left in the map. */
async function results({ type, source, verify = true }: Case, batched: boolean, engine: "jit" | "interpreter" = "jit") {
  const machine = new Machine({ engine, budget: 10_000 });
  const map = createMap({ name: "counts", type: "array", keySize: 4, valueSize: 8, maxEntries: 16 });
  const counts = machine.createMap(map);
  const insns = assemble(source);
  const slot = insns.findIndex((byte, at) => at % 8 === 0 && byte === 0x18) / 8;
  const references = slot < 0 ? [] : [{ kind: "map" as const, slot, map: "counts" }];
  const spec = createProgram({ name: "batched", type, insns, references, license: "GPL" });
  const program = await machine.loadProgram(spec, { maps: { counts }, verify });
  const told: unknown[] = [];
  const tell = (outcome: string, packet: { retval: number; packet(): Uint8Array; error: Error | undefined }) => {
    if (outcome === "skipped") told.push(outcome);
    else if (outcome === "verdict") told.push([packet.retval, [...packet.packet()]]);
    else told.push([outcome, packet.error?.message]);
  };
  const batch = machine.createPacketBatch(program, (packet) => tell(packet.outcome, packet));
  const runner = machine.createPacketRunner(program);
  for (const frame of frames) {
    machine.advance(frame.length * 1e9);
    if (batched) batch.add(frame);
    else tell(runner.run(frame), runner);
  }
  batch.flush();
  const { waits } = batch;
  batch.close();
  runner.close();
  const left = [...counts.raw.entries()].map(([, value]) => [...value]);
  machine.close();
  return { waits, told, left };
}

describe.each(Object.entries(cases))("a program that %s", (_name, each) => {
  it("does the same in batches as one packet at a time", async () => {
    const batched = await results(each, true);
    const single = await results(each, false);
    expect(batched).toEqual(single);
    expect(batched.told).toHaveLength(PACKETS);
    expect(batched.told.filter((told) => told === "skipped").length).toBeGreaterThan(0);
    expect(batched.waits).toBe(each.waits);
    const { waits, ...interpreted } = await results(each, true, "interpreter");
    expect(interpreted).toEqual({ told: batched.told, left: batched.left });
    expect(waits).toBe(false);
  });
});

it("a batch whose events are read, or whose runs are counted, goes one packet at a time", async () => {
  const machine = new Machine();
  const program = await machine.loadProgram(
    createProgram({ name: "counted", type: "xdp", insns: assemble("r0 = 2\nexit"), license: "GPL" }),
  );
  let visited = 0;
  const batch = machine.createPacketBatch(program, () => visited++);
  batch.add(frames[0]!);
  expect(visited).toBe(0);
  using _ = machine.enableStatistics();
  batch.add(frames[1]!);
  expect(visited).toBe(2);
  expect(program.info().runCount).toBe(1n);
  batch.close();
  expect(() => batch.add(frames[2]!)).toThrow("EBADF");
  machine.close();
});
