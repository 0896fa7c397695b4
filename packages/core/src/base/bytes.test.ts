import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, FormatError } from "./index.js";

describe("ByteReader", () => {
  it("reads what ByteWriter wrote, in both byte orders", () => {
    for (const littleEndian of [true, false]) {
      const bytes = new ByteWriter({ littleEndian, capacity: 1 })
        .u8(0xfe)
        .u16(0x1234)
        .u32(0xdeadbeef)
        .u64(0x0123456789abcdefn)
        .cstring("eth0")
        .finish();
      const reader = new ByteReader(bytes, { littleEndian });
      expect([reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.cstring()]).toEqual([
        0xfe,
        0x1234,
        0xdeadbeef,
        0x0123456789abcdefn,
        "eth0",
      ]);
      expect(reader.remaining).toBe(0);
    }
  });

  it("grows under every kind of write", () => {
    const writer = new ByteWriter({ capacity: 1 });
    for (let i = 0; i < 100; i++) writer.u8(i).u16(i).u32(i).u64(BigInt(i));
    const reader = new ByteReader(writer.finish());
    for (let i = 0; i < 100; i++)
      expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([i, i, i, BigInt(i)]);
  });

  it("says where a short read happened", () => {
    const reader = new ByteReader(new Uint8Array(6), { section: ".BTF" }).skip(4);
    expect(() => reader.u32()).toThrow(FormatError);
    expect(() => reader.u32()).toThrow("needs 4 bytes, 2 are left (in .BTF at byte 4)");
    expect(() => reader.seek(Number.NaN)).toThrow(FormatError);
    expect(() => reader.take(2 ** 32)).toThrow(FormatError);
  });

  it("refuses sizes that a number cannot hold", () => {
    const bytes = new ByteWriter().u64(2n ** 60n).finish();
    expect(() => new ByteReader(bytes).size64("section size")).toThrow(
      "section size 1152921504606846976 is out of range",
    );
  });
});
