import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.js";
import {
  type BtfExt,
  BtfStrings,
  type BtfType,
  encodeBtf,
  encodeBtfExt,
  packPosition,
  parseBtf,
  parseBtfExt,
} from "./index.js";

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
const ext: BtfExt = {
  functions: new Map([
    ["xdp", [{ offset: 0, typeId: 1 }]],
    [
      ".text",
      [
        { offset: 0, typeId: 1 },
        { offset: 64, typeId: 0 },
      ],
    ],
  ]),
  lines: new Map([["xdp", [{ offset: 8, file: "a.c", text: "return 0;", line: 4_000_000, column: 1023 }]]]),
  coreRelocations: new Map([["xdp", [{ offset: 16, typeId: 1, access: "0:1", kind: 12 }]]]),
};

function encoded(littleEndian = true) {
  const strings = new BtfStrings();
  const bytes = encodeBtfExt(ext, strings, { littleEndian });
  return { bytes, btf: parseBtf(encodeBtf([int], { strings, littleEndian })) };
}

describe(".BTF.ext", () => {
  it.each([true, false])("reads what was written (little-endian: %s)", (littleEndian) => {
    const { bytes, btf } = encoded(littleEndian);
    expect(parseBtfExt(bytes, btf)).toEqual(ext);
  });

  it("reads longer records, headers without CO-RE, and sections in two pieces", () => {
    const { btf } = encoded();
    const word = (text: string) => new BtfStrings().add(text);
    expect(word("xdp")).toBe(1);
    const header = [0x0001eb9f, 24, 0, 40, 0, 0];
    const words = [12, 1, 1, 0, 1, 99, 1, 1, 32, 0, 99];
    const bytes = new Uint8Array(new Uint32Array([...header.with(3, words.length * 4), ...words]).buffer);
    expect(parseBtfExt(bytes, btf).functions.get(btf.records.strings.get(1))).toEqual([
      { offset: 0, typeId: 1 },
      { offset: 32, typeId: 0 },
    ]);
    expect(parseBtfExt(bytes, btf).coreRelocations.size).toBe(0);
  });

  it("drops what 22 and 10 bits don't hold", () => {
    expect(packPosition(4_194_303, 1023)).toBe(0xffffffff);
    expect(packPosition(4_194_304, 5)).toBe(5);
    expect(packPosition(1, 1024)).toBe(1024);
  });

  it("fails with a place, whatever byte is changed", () => {
    const { bytes, btf } = encoded();
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const broken = bytes.slice();
        broken[at] = value;
        try {
          parseBtfExt(broken, btf);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          expect((error as FormatError).offset).toBeTypeOf("number");
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(150);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseBtfExt(bytes.subarray(0, length), btf)).toThrow(FormatError);
    }
  });
});
