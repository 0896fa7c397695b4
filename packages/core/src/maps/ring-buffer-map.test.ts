import { describe, expect, it } from "vitest";
import { BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT } from "../abi/index.js";
import { ringBlock } from "./layout.js";
import type { RingBufferMap, UserRingBufferMap } from "./ring-buffer-map.js";
import { errorName, newCore, newMap, u32 } from "./testing/fixture.js";

function ring(maxEntries = 4096) {
  const core = newCore();
  const map = newMap({ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries }, core) as RingBufferMap;
  return { core, map, functions: core.functions };
}

function drain(map: RingBufferMap): number[][] {
  const records: number[][] = [];
  map.consume((record) => records.push([...record]));
  return records;
}

describe("ring buffer", () => {
  it("delivers records whole and in order, across its end too", () => {
    const { core, map, functions } = ring();
    const data = core.memory.alloc(4096);
    let sent = 0;
    let received = 0;
    for (let round = 0; round < 300; round++) {
      const size = (round * 37) % 700;
      core.memory.u8.fill(sent & 0xff, data, data + size);
      if (functions.ringbuf_output(map.address, data, size, 0) === 0) sent++;
      if (round % 3 === 0) {
        map.consume((record) => {
          expect(record.every((byte) => byte === (received & 0xff))).toBe(true);
          received++;
        });
      }
    }
    map.consume(() => received++);
    expect(received).toBe(sent);
    expect(map.produced).toBeGreaterThan(10 * 4096);
  });

  it("lies in memory as the kernel's does", () => {
    const { core, map, functions } = ring();
    const record = functions.ringbuf_reserve(map.address, 13);
    expect(record).toBe(map.block + ringBlock.DATA + 8);
    expect(core.memory.u32[(record - 8) >>> 2]).toBe((13 | BPF_RINGBUF_BUSY_BIT) >>> 0);
    expect(map.produced).toBe(24);
    functions.ringbuf_commit(record, 0, 0);
    expect(core.memory.u32[(record - 8) >>> 2]).toBe(13);
  });

  it("holds records back behind one that isn't committed, and skips discarded ones", () => {
    const { core, map, functions } = ring();
    const [first, second, third] = [1, 2, 3].map((byte) => {
      const record = functions.ringbuf_reserve(map.address, 1);
      core.memory.u8[record] = byte;
      return record;
    }) as [number, number, number];
    functions.ringbuf_commit(second, 0, BPF_RINGBUF_DISCARD_BIT);
    functions.ringbuf_commit(third, 0, 0);
    expect(drain(map)).toEqual([]);
    functions.ringbuf_commit(first, 0, 0);
    expect(drain(map)).toEqual([[1], [3]]);
    expect(map.available).toBe(0);
  });

  it("refuses what doesn't fit", () => {
    const { core, map, functions } = ring();
    expect(functions.ringbuf_reserve(map.address, 4096 - 8 + 1)).toBe(0);
    expect(functions.ringbuf_reserve(map.address, 0x4000_0000)).toBe(0);
    expect(functions.ringbuf_reserve(map.address, -1)).toBe(0);
    expect(functions.ringbuf_reserve(map.address, 2000)).not.toBe(0);
    expect(functions.ringbuf_reserve(map.address, 2100)).toBe(0);
    const data = core.memory.alloc(4096);
    expect(errorName(functions.ringbuf_output(map.address, data, 2100, 0))).toBe("EAGAIN");
    expect(errorName(functions.ringbuf_output(map.address, data, 1, 4))).toBe("EINVAL");
  });

  it("wants its reader when it had read everything, or when told so", () => {
    const { core, map, functions } = ring();
    const data = core.memory.alloc(8);
    functions.ringbuf_output(map.address, data, 8, BPF_RB_NO_WAKEUP);
    expect(map.wantsReader).toBe(false);
    functions.ringbuf_output(map.address, data, 8, 0);
    expect(map.wantsReader).toBe(false);
    functions.ringbuf_output(map.address, data, 8, BPF_RB_FORCE_WAKEUP);
    expect(map.wantsReader).toBe(true);
    expect(drain(map)).toHaveLength(3);
    functions.ringbuf_output(map.address, data, 8, 0);
    expect(map.wantsReader).toBe(true);
  });

  it("answers queries", () => {
    const { core, map, functions } = ring(8192);
    const out = core.memory.alloc(8);
    const query = (what: number) => {
      expect(functions.ringbuf_query(map.address, what, out)).toBe(0);
      return core.memory.u32[out >>> 2];
    };
    functions.ringbuf_output(map.address, out, 8, 0);
    expect([0, 1, 2, 3, 4].map(query)).toEqual([16, 8192, 0, 16, 0]);
    drain(map);
    expect([0, 1, 2, 3].map(query)).toEqual([0, 8192, 16, 16]);
  });

  it("goes past 4 GiB of data", () => {
    const { core, map, functions } = ring();
    for (const at of [ringBlock.PENDING, ringBlock.CONSUMER, ringBlock.PRODUCER]) {
      core.memory.u32[(map.block + at) >>> 2] = 0xffff_ffc0;
    }
    const data = core.memory.allocBytes(u32(7, 8));
    for (let round = 0; round < 20; round++) {
      expect(functions.ringbuf_output(map.address, data, 8, 0)).toBe(0);
      expect(drain(map)).toEqual([[7, 0, 0, 0, 8, 0, 0, 0]]);
    }
    expect(map.produced).toBe(0xffff_ffc0 + 20 * 16);
  });
});

describe("user ring buffer", () => {
  it("gives programs what user space produced", () => {
    const core = newCore();
    const map = newMap({ type: "user_ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 }, core) as UserRingBufferMap;
    expect(map.peek()).toBeUndefined();
    let produced = 0;
    while (map.produce(u32(produced, produced))) produced++;
    expect(produced).toBe(4096 / 16);
    for (let at = 0; at < produced; at++) {
      const sample = map.peek()!;
      expect([sample.size, core.memory.u32[sample.address >>> 2]]).toEqual([8, at]);
      map.drop();
    }
    expect(map.peek()).toBeUndefined();
  });
});
