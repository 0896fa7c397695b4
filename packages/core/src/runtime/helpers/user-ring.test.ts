import { describe, expect, it } from "vitest";
import { assembleProgram, mapSpec, testFrame } from "../../host/testing/index.js";
import { Machine, type MachineMap } from "../../machine/index.js";
import type { UserRingBufferMap } from "../../maps/index.js";

const ring = mapSpec("user_ringbuf", { keySize: 0, valueSize: 0, maxEntries: 4096 });

/** Adds up the first words of the records in the frame's context; stops at a record whose word is 9. */
const drain = `
  *(u64 *)(r10 - 8) = 0
  r1 = map[commands]; r2 = take ll; r3 = r10; r3 += -8; r4 = 0
  call bpf_user_ringbuf_drain
  r0 <<= 16
  r1 = *(u64 *)(r10 - 8)
  r0 += r1
  exit
take:
  r6 = r2
  r3 = r1; r1 = r10; r1 += -8; r2 = 8; r4 = 0; r5 = 0
  call bpf_dynptr_read
  r1 = *(u64 *)(r10 - 8)
  r2 = *(u64 *)(r6 + 0)
  r2 += r1
  *(u64 *)(r6 + 0) = r2
  r0 = 0
  if r1 != 9 goto 1f
  r0 = 1
1: exit`;

describe("bpf_user_ringbuf_drain", () => {
  it("hands each record over until the callback has enough, and tells how many", async () => {
    using machine = new Machine();
    using commands = machine.createMap(ring);
    const spec = assembleProgram("sched_cls", drain, { maps: { commands: ring } });
    using program = await machine.loadProgram(spec, { maps: { commands }, verify: false });
    const run = () => {
      const { retval } = program.testRun({ data: testFrame });
      return { records: retval >>> 16, sum: retval & 0xffff };
    };
    const live = (commands.raw as MachineMap).object.live as UserRingBufferMap;
    const send = (word: number) => live.produce(Uint8Array.of(word, 0, 0, 0, 0, 0, 0, 0));
    expect(run()).toEqual({ records: 0, sum: 0 });
    for (const word of [1, 2, 9, 4]) expect(send(word)).toBe(true);
    expect(run()).toEqual({ records: 3, sum: 12 });
    expect(run()).toEqual({ records: 1, sum: 4 });
    expect(run()).toEqual({ records: 0, sum: 0 });
  });
});
