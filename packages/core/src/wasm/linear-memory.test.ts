import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinearMemory, WASM_PAGE_SIZE } from "./index.js";

const MIB = 1 << 20;

describe("LinearMemory", () => {
  it("hands out zeroed blocks that never overlap, and has everything back at the end", () => {
    const operations = fc.array(
      fc.oneof(
        fc.record({
          size: fc.oneof(fc.nat(300), fc.nat(40_000), fc.nat(400_000)),
          alignment: fc.constantFrom(1, 8, 64, 4096, 65536),
        }),
        fc.record({ free: fc.nat() }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(operations, (steps) => {
        const memory = new LinearMemory({ initial: 4 * WASM_PAGE_SIZE, maximum: 64 * MIB });
        const live: { address: number; size: number; tag: number }[] = [];
        let tag = 0;
        for (const step of steps) {
          if ("free" in step) {
            const [block] = live.length > 0 ? live.splice(step.free % live.length, 1) : [];
            if (block === undefined) continue;
            const { address, size } = block;
            expect(memory.u8.subarray(address, address + size).every((byte) => byte === block.tag)).toBe(true);
            memory.free(address);
            continue;
          }
          const address = memory.alloc(step.size, step.alignment);
          expect(address % step.alignment).toBe(0);
          expect(address).toBeGreaterThanOrEqual(65536);
          expect(memory.sizeOf(address)).toBeGreaterThanOrEqual(step.size);
          expect(memory.u8.subarray(address, address + step.size).every((byte) => byte === 0)).toBe(true);
          tag = (tag % 255) + 1;
          memory.u8.fill(tag, address, address + step.size);
          live.push({ address, size: step.size, tag });
        }
        expect(memory.stats.blocks).toBe(live.length);
        for (const { address } of live) memory.free(address);
        expect(memory.stats).toMatchObject({ blocks: 0, bytes: 0 });
      }),
      { numRuns: 40 },
    );
  });

  it("gives freed pages out again, coalesced", () => {
    const memory = new LinearMemory({ initial: WASM_PAGE_SIZE, maximum: 32 * MIB });
    const blocks = Array.from({ length: 30 }, () => memory.alloc(MIB));
    for (const index of [...blocks.keys()].sort((a, b) => (a % 3) - (b % 3))) memory.free(blocks[index]!);
    const size = memory.size;
    memory.free(memory.alloc(30 * MIB));
    expect(memory.size).toBe(size);
  });

  it("reissues its views when it grows", () => {
    const memory = new LinearMemory({ initial: 2 * WASM_PAGE_SIZE });
    const address = memory.allocBytes(new Uint8Array([1, 2, 3, 4]));
    const stale = memory.u8;
    memory.alloc(4 * MIB);
    expect(stale.length).toBe(0);
    expect(memory.u32[address / 4]).toBe(0x04030201);
    expect(memory.view.getUint16(address + 1, true)).toBe(0x0302);
    expect(memory.copy(address, 3)).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("says ENOMEM at its maximum and goes on", () => {
    const memory = new LinearMemory({ initial: WASM_PAGE_SIZE, maximum: 4 * MIB });
    const kept = memory.alloc(2 * MIB);
    expect(() => memory.alloc(3 * MIB)).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    expect(() => memory.alloc(2 ** 33)).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    expect(() => memory.alloc(Number.NaN)).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    memory.free(kept);
    memory.alloc(3 * MIB);
  });

  it("refuses to free what is no block", () => {
    const memory = new LinearMemory();
    const small = memory.alloc(48);
    const large = memory.alloc(100_000);
    for (const address of [0, small + 1, small + 48, large + 8, large + 65536, -1]) {
      expect(() => memory.free(address)).toThrow(RangeError);
    }
    memory.free(small);
    expect(() => memory.free(small)).toThrow("no block starts at");
  });

  it("can be shared", () => {
    const memory = new LinearMemory({ initial: WASM_PAGE_SIZE, maximum: 4 * MIB, shared: true });
    const address = memory.alloc(2 * MIB);
    memory.u8[address] = 7;
    expect(memory.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.copy(address, 1)[0]).toBe(7);
  });
});
