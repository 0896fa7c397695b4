import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { bytesCodec } from "./index.js";

describe("bytesCodec", () => {
  it("writes integers little-endian over the whole size", () => {
    expect(bytesCodec(4).encode(1)).toEqual(Uint8Array.of(1, 0, 0, 0));
    expect(bytesCodec(2).encode(-1)).toEqual(Uint8Array.of(255, 255));
    expect(bytesCodec(1).encode(true)).toEqual(Uint8Array.of(1));
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const bytes = bytesCodec(8).encode(value);
        expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt.asUintN(64, value));
      }),
    );
  });

  it("refuses what does not fit", () => {
    for (const [size, value] of [
      [1, 256],
      [1, -129],
      [8, 2n ** 64n],
      [0, 1],
      [4, 1.5],
      [4, Number.NaN],
    ] as const) {
      expect(() => bytesCodec(size).encode(value)).toThrow(BpfError);
    }
  });
});
