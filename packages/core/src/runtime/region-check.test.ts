import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { I32, i64, instantiate, LinearMemory, ModuleBuilder, type Region, webAssembly } from "../wasm/index.js";
import { AREA_SIZE, area, defineRegionCheck, FAULT_ACCESS, FAULT_READ_ONLY, FRAME_SIZE, RegionTable } from "./index.js";

import { isAccessible } from "./range-check.js";

type Check = (at: number, size: number, write: boolean, high?: number) => boolean;

function setUp(): { memory: LinearMemory; regions: RegionTable; area: number; check: Check } {
  const memory = new LinearMemory();
  const regions = new RegionTable(memory);
  const areaAddress = memory.alloc(AREA_SIZE);
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { minimum: 1 });
  const check = defineRegionCheck(module, module.importGlobal("env", "regions", I32));
  // JavaScript passes the address in halves.
  const entry = module.function("entry", { area: I32, low: I32, high: I32, size: I32, write: I32 }, [I32]);
  const { params } = entry;
  entry.get(params.area).get(params.low).op(i64.extend_i32_u);
  entry.get(params.high).op(i64.extend_i32_u).i64(32).op(i64.shl).op(i64.or);
  entry.get(params.size).get(params.write).call(check);
  module.exportFunction("entry", entry);
  const env = {
    memory: memory.memory,
    regions: new (webAssembly().Global)({ value: "i32", mutable: false }, regions.header),
  };
  const run = instantiate(module.finish(), { env }).exports.entry as (...args: number[]) => number;
  return {
    memory,
    regions,
    area: areaAddress,
    check: (at, size, write, high = 0) => run(areaAddress, at, high, size, write ? 1 : 0) === 1,
  };
}

const values: Region = {
  name: "map values",
  start: 0x20000,
  length: 480,
  stride: 48,
  offset: 16,
  size: 20,
  writable: true,
  readable: { offset: 8, size: 4 },
};

describe("check_access", () => {
  it("admits what lies in one element's parts, and nothing else", () => {
    const { memory, regions, area: address, check } = setUp();
    regions.add(values);
    const other = { ...values, name: "frozen", start: 0x30000, writable: false, readable: undefined };
    regions.add(other);
    fc.assert(
      fc.property(
        fc.constantFrom(values, other),
        fc.integer({ min: -8, max: 490 }),
        fc.constantFrom(1, 2, 4, 8),
        fc.boolean(),
        (region, at, size, write) => {
          const inside = at >= 0 && at < region.length;
          const offset = ((at % 48) + 48) % 48;
          const within = (part: { offset: number; size: number }) =>
            offset >= part.offset && offset + size <= part.offset + part.size;
          const expected =
            inside &&
            ((within(region) && (region.writable || !write)) ||
              (region.readable !== undefined && within(region.readable) && !write));
          expect(check(region.start + at, size, write)).toBe(expected);
          // The same question, asked by helpers.
          const range = { address: region.start + at, size, write };
          expect(isAccessible(memory, regions, address, range)).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds any of many regions, as they come and go", () => {
    const { regions, check } = setUp();
    const starts = Array.from({ length: 200 }, (_, index) => 0x40000 + ((index * 37) % 200) * 64);
    for (const start of starts)
      regions.add({ name: `at ${start}`, start, length: 32, stride: 32, offset: 0, size: 32, writable: true });
    for (const start of starts) {
      expect([check(start, 8, true), check(start + 24, 8, false), check(start + 25, 8, false)]).toEqual([
        true,
        true,
        false,
      ]);
    }
    for (const start of starts.filter((_, index) => index % 2 === 0)) regions.remove(start);
    for (const [index, start] of starts.entries()) expect(check(start + 8, 4, true)).toBe(index % 2 === 1);
    expect(regions.find(starts[1]! + 40)).toBeUndefined();
    expect(regions.find(starts[1]! + 40, 16)?.name).toBe(`at ${starts[1]}`);
    expect(() => regions.remove(starts[0]!)).toThrow(RangeError);
  });

  it("knows the run's own memory: frames in use, packet, context", () => {
    const { memory, regions, area: at, check } = setUp();
    const frames = at + area.frames;
    expect(check(frames, 8, true)).toBe(true);
    expect(check(frames + 508, 4, true)).toBe(true);
    expect(check(frames + 508, 8, true)).toBe(false);
    expect(check(frames + 520, 4, false)).toBe(false);
    expect(check(frames + FRAME_SIZE, 4, false)).toBe(false);
    memory.i32[(at + area.depth) / 4] = 1;
    expect(check(frames + FRAME_SIZE, 4, false)).toBe(true);
    expect(check(frames - 1, 1, false)).toBe(false);

    memory.u32.set([0x50000, 0x50063, 0x60000, 0x60018], (at + area.packetStart) / 4);
    expect(check(0x50000, 8, true)).toBe(true);
    expect(check(0x5005f, 4, true)).toBe(true);
    expect(check(0x50060, 4, true)).toBe(false);
    expect(check(0x60014, 4, false)).toBe(true);
    expect(check(0x60018, 1, false)).toBe(false);
    expect(check(0x50000, 8, true, 1)).toBe(false);

    const helperMay = (address: number, size: number) =>
      isAccessible(memory, regions, at, { address, size, write: true });
    expect([helperMay(0x50000, 0x63), helperMay(0x50000, 0x64), helperMay(0x60000, 24)]).toEqual([true, false, true]);
    expect([helperMay(frames, 512), helperMay(frames, 513), helperMay(frames + FRAME_SIZE, 512)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([helperMay(frames + 2 * FRAME_SIZE, 1), helperMay(8, 0), helperMay(8, 1)]).toEqual([false, true, false]);
  });

  it("tells why not, and leaves a window that its successors can test inline", () => {
    const { memory, regions, area: at, check } = setUp();
    regions.add(values);
    const word = (offset: number) => memory.view.getInt32(at + offset, true);
    expect(check(0x20000 + 48 + 20, 4, true)).toBe(true);
    expect([word(area.windowStart), word(area.windowReadLimit), word(area.windowWriteLimit)]).toEqual([
      0x20000 + 64,
      13,
      13,
    ]);
    expect(check(0x20000 + 8, 2, false)).toBe(true);
    expect([word(area.windowReadLimit), word(area.windowWriteLimit)]).toEqual([0, 0]);
    expect(check(0x20000 + 8, 2, true)).toBe(false);
    expect([word(area.faultReason), word(area.faultSize), word(area.faultWrite)]).toEqual([FAULT_READ_ONLY, 2, 1]);
    expect(check(12, 8, false, 3)).toBe(false);
    expect(word(area.faultReason)).toBe(FAULT_ACCESS);
    expect(memory.view.getBigUint64(at + area.faultAddress, true)).toBe(0x3_0000_000cn);
  });

  it("refuses regions that overlap or contradict themselves", () => {
    const { regions } = setUp();
    regions.add(values);
    expect(() => regions.add({ ...values, start: values.start - 8, name: "b" })).toThrow("b overlaps map values");
    expect(() => regions.add({ ...values, start: values.start + 472, name: "b" })).toThrow("b overlaps map values");
    expect(() => regions.add({ ...values, start: 0x90000, size: 40 })).toThrow(RangeError);
    regions.add({ ...values, start: values.start + 480, name: "b" });
    regions.add({ ...values, start: values.start - 480, name: "c" });
  });
});
