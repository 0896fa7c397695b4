import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { readBits, readFewBits, writeBits } from "./bits.js";
import {
  type Btf,
  BtfBuilder,
  type BtfType,
  type BtfValue,
  decodeValue,
  encodeBtf,
  encodeValue,
  ownTypes,
  parseBtf,
  type TypeId,
  valueDecoder,
} from "./index.js";

const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });
const int = (name: string, size: number, encoding: "unsigned" | "signed" | "char" | "bool"): BtfType => {
  return { kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 };
};

function graph() {
  const b = new BtfBuilder();
  const id = {
    u8: b.add(int("unsigned char", 1, "unsigned")),
    char: b.add(int("char", 1, "signed")),
    s16: b.add(int("short", 2, "signed")),
    u32: b.add(int("unsigned int", 4, "unsigned")),
    s32: b.add(int("int", 4, "signed")),
    u64: b.add(int("unsigned long", 8, "unsigned")),
    s64: b.add(int("long", 8, "signed")),
    u128: b.add(int("unsigned __int128", 16, "unsigned")),
    bool: b.add(int("_Bool", 1, "bool")),
    odd: b.add({ kind: "int", name: "_BitInt(24)", size: 4, encoding: "signed", bitOffset: 0, bits: 24 }),
    double: b.add({ kind: "float", name: "double", size: 8 }),
    half: b.add({ kind: "float", name: "_Float16", size: 2 }),
    color: b.add({
      kind: "enum",
      name: "color",
      size: 4,
      signed: true,
      values: [
        { name: "RED", value: -1n },
        { name: "GREEN", value: 1n },
        { name: "ALSO_GREEN", value: 1n },
      ],
    }),
    big: b.add({ kind: "enum64", name: "big", size: 8, signed: false, values: [{ name: "TOP", value: 2n ** 63n }] }),
  };
  const arrayOf = (type: TypeId, length: number) => b.add({ kind: "array", type, indexType: id.u32, length });
  const ids = {
    ...id,
    ptr: b.add({ kind: "ptr", type: 0 }),
    name: arrayOf(id.char, 8),
    mac: arrayOf(id.u8, 6),
    grid: arrayOf(arrayOf(id.s16, 2), 2),
    fwd: b.add({ kind: "fwd", name: "secret", of: "struct" }),
  };
  const inner = b.add({
    kind: "union",
    name: "",
    size: 4,
    members: [field("word", ids.u32, 0), field("bytes", arrayOf(id.u8, 4), 0)],
  });
  const record = b.add({
    kind: "struct",
    name: "record",
    size: 24,
    members: [
      field("name", b.add({ kind: "const", name: "", type: ids.name }), 0),
      field("low", ids.u32, 64, 3),
      field("sign", ids.s32, 67, 5),
      field("flag", ids.bool, 72, 1),
      field("kind", ids.color, 73, 4),
      field("wide", ids.u64, 80, 40),
      field("", inner, 128),
      field("__proto__", ids.s16, 160),
    ],
  });
  const counter = b.add({ kind: "var", name: "counter", type: ids.u64, linkage: "global" });
  const data = b.add({
    kind: "datasec",
    name: ".data",
    size: 16,
    variables: [
      { type: counter, offset: 8, size: 8 },
      {
        type: b.add({
          kind: "func",
          name: "f",
          type: b.add({ kind: "func_proto", returns: 0, params: [] }),
          linkage: "extern",
        }),
        offset: 0,
        size: 0,
      },
    ],
  });
  return { btf: b.build(), ids: { ...ids, record, data } };
}

const { btf, ids } = graph();
const bytes = (...values: number[]) => Uint8Array.from(values);

describe("values", () => {
  const cases: [keyof typeof ids, number[], BtfValue][] = [
    ["u8", [200], 200],
    ["char", [200], -56],
    ["s16", [0xfe, 0xff], -2],
    ["u32", [0xff, 0xff, 0xff, 0xff], 2 ** 32 - 1],
    ["s32", [0xff, 0xff, 0xff, 0xff], -1],
    ["u64", [1, 0, 0, 0, 0, 0, 0, 0x80], 2n ** 63n + 1n],
    ["s64", [0xfe, 255, 255, 255, 255, 255, 255, 255], -2n],
    ["u128", [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], 2n ** 65n + 1n],
    ["bool", [1], true],
    ["odd", [0xff, 0xff, 0xff, 0], -1],
    ["double", [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ["half", [0, 0x3c], bytes(0, 0x3c)],
    ["color", [0xff, 0xff, 0xff, 0xff], "RED"],
    ["color", [1, 0, 0, 0], "GREEN"],
    ["color", [2, 0, 0, 0], 2],
    ["big", [0, 0, 0, 0, 0, 0, 0, 0x80], "TOP"],
    ["big", [1, 0, 0, 0, 0, 0, 0, 0], 1n],
    ["ptr", [0, 0, 0, 0, 0, 0x80, 0xff, 0xff], 0xffff800000000000n],
    ["name", [0x65, 0x74, 0x68, 0x30, 0, 0, 0, 0], "eth0"],
    ["name", [0x65, 0x74, 0x68, 0x30, 0x65, 0x74, 0x68, 0x30], "eth0eth0"],
    ["name", [0, 0, 0, 0, 0, 0, 0, 0], ""],
    ["name", [0, 1, 0, 0, 0, 0, 0, 0], bytes(0, 1, 0, 0, 0, 0, 0, 0)],
    ["name", [1, 0, 0, 0, 0, 0, 0, 0], bytes(1, 0, 0, 0, 0, 0, 0, 0)],
    ["name", [0xff, 0, 0, 0, 0, 0, 0, 0], bytes(0xff, 0, 0, 0, 0, 0, 0, 0)],
    ["mac", [2, 0, 0, 0, 0, 1], bytes(2, 0, 0, 0, 0, 1)],
    [
      "grid",
      [1, 0, 2, 0, 3, 0, 0xfc, 0xff],
      [
        [1, 2],
        [3, -4],
      ],
    ],
    ["data", [0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], { counter: 9n }],
  ];
  it.each(cases)("%s %j is %s, both ways", (name, input, value) => {
    expect(decodeValue(btf, ids[name], bytes(...input))).toEqual(value);
    expect(encodeValue(btf, ids[name], value)).toEqual(bytes(...input));
  });

  it("decodes structs with bit fields, anonymous members and odd names", () => {
    const input = new Uint8Array(24);
    input.set(new TextEncoder().encode("lo\0junk"), 0);
    input.set([0b11111_101, 0b1_1111_1, 1, 2, 3, 4, 5, 0xaa, 10, 0, 0, 1, 7, 0], 8);
    const value = decodeValue(btf, ids.record, input);
    const expected = Object.assign(JSON.parse('{"__proto__":7}'), {
      name: "lo",
      low: 5,
      sign: -1,
      flag: true,
      kind: "RED",
      wide: 0x0504030201n,
      word: 0x0100000a,
      bytes: bytes(10, 0, 0, 1),
    });
    expect(value).toEqual(expected);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    const again = encodeValue(btf, ids.record, value);
    expect(decodeValue(btf, ids.record, again)).toEqual(value);
  });

  it("takes values in other clothes", () => {
    const same = (name: keyof typeof ids, ...values: BtfValue[]) =>
      expect(new Set(values.map((value) => encodeValue(btf, ids[name], value).join())).size).toBe(1);
    same("u32", 10, 10n, "10", "0xa", "10.0.0.0", bytes(10, 0, 0, 0));
    same("s64", -1, -1n, "-1", new Uint8Array(8).fill(255));
    same("color", "GREEN", "ALSO_GREEN", 1, 1n, "1");
    same("mac", "02:00:00:00:00:01", [2, 0, 0, 0, 0, 1], bytes(2, 0, 0, 0, 0, 1));
    same("u128", "fe80::1", 0x01000000000000000000000000_0080fen);
    same("bool", true, 1);
    same(
      "grid",
      [[1]],
      [
        [1, 0],
        [0, 0],
      ],
    );
    expect(encodeValue(btf, ids.record, { sign: -16, word: 1 })).toEqual(
      bytes(0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    );
  });

  const refused: [keyof typeof ids, BtfValue, string][] = [
    ["u8", 256, "256 does not fit 8 unsigned bits"],
    ["u32", -1, "-1 does not fit 32 unsigned bits"],
    ["s32", 1.5, "1.5 is not an integer"],
    ["u64", "ten", '"ten" is not an integer'],
    ["bool", 2, "does not fit"],
    ["color", "BLUE", '"BLUE" is not a value of enum color'],
    ["name", "nine char", "9 elements in an array of 8"],
    ["mac", "02:00:00:00:00", "is not an array"],
    ["grid", [[1], ["x"]], '[1][0]: "x" is not an integer'],
    ["record", { low: 8 }, "low: 8 does not fit 3 unsigned bits"],
    ["record", { missing: 8 }, 'there is no member "missing"'],
    ["record", 5, "5 is not an object with the members of a struct"],
    ["double", "1", "is not a number"],
    ["fwd", 0, "(fwd) has no values"],
  ];
  it.each(refused)("%s does not take %j", (name, value, message) => {
    expect(() => encodeValue(btf, ids[name], value)).toThrow(BpfError);
    expect(() => encodeValue(btf, ids[name], value)).toThrow(message);
  });

  it("refuses types without values, short bytes, and members outside of their struct", () => {
    expect(() => decodeValue(btf, 0, bytes())).toThrow("type 0 (void) has no values");
    expect(() => decodeValue(btf, ids.u32, bytes(1, 2, 3))).toThrow("4 bytes does not fit into 3 bytes");
    expect(() => valueDecoder(btf, ids.u32)(bytes(1, 2, 3, 4), 1)).toThrow("does not fit");
    const b = new BtfBuilder();
    const u32 = b.add(int("u32", 4, "unsigned"));
    const wrong = b.add({ kind: "struct", name: "s", size: 4, members: [field("x", u32, 8)] });
    const bits = b.add({ kind: "struct", name: "s", size: 4, members: [field("x", u32, 24, 9)] });
    const outside = b.build();
    expect(() => decodeValue(outside, wrong, new Uint8Array(8))).toThrow("lies outside");
    expect(() => decodeValue(outside, bits, new Uint8Array(8))).toThrow("lies outside");
    expect(() => encodeValue(outside, wrong, {})).toThrow("lies outside");
  });

  it("refuses values that grow exponentially", () => {
    const b = new BtfBuilder();
    let last = b.add(int("u32", 4, "unsigned"));
    for (let i = 0; i < 60; i++) {
      last = b.add({ kind: "union", name: "", size: 4, members: [field("a", last, 0), field("b", last, 0)] });
    }
    expect(() => decodeValue(b.build(), last, new Uint8Array(4))).toThrow("parts");
  });

  it("reads and writes any bits in both byte orders", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 100 }),
        fc.boolean(),
        (data, bit, count, little) => {
          const view = new DataView(data.buffer);
          // The definition: bit by bit, counted from the lowest or from the highest of each byte.
          let expected = 0n;
          for (let i = 0; i < count; i++) {
            const at = bit + i;
            const one = BigInt((data[at >> 3]! >> (little ? at & 7 : 7 - (at & 7))) & 1);
            expected |= one << BigInt(little ? i : count - 1 - i);
          }
          expect(readBits(view, bit, count, little)).toBe(expected);
          if (count <= 32) expect(readFewBits(view, bit, count, little)).toBe(Number(expected));
          const other = new DataView(new Uint8Array(20).fill(0xa5).buffer);
          writeBits(other, bit, count, little, expected);
          expect(readBits(other, bit, count, little)).toBe(expected);
          if (bit > 0)
            expect(readBits(other, 0, bit, little)).toBe(
              readBits(new DataView(new Uint8Array(20).fill(0xa5).buffer), 0, bit, little),
            );
        },
      ),
    );
  });

  it("decodes big-endian values", () => {
    const big: Btf = parseBtf(encodeBtf(ownTypes(btf), { littleEndian: false }));
    expect(decodeValue(big, ids.u32, bytes(0, 0, 1, 2))).toBe(258);
    const record = encodeValue(big, ids.record, { low: 5, sign: -1, flag: true, kind: "GREEN", wide: 3n, word: 9 });
    expect(record.subarray(8, 20)).toEqual(bytes(0b101_11111, 0b1_0001_000, 0, 0, 0, 0, 3, 0, 0, 0, 0, 9));
    expect(decodeValue(big, ids.record, record)).toMatchObject({
      low: 5,
      sign: -1,
      flag: true,
      kind: "GREEN",
      wide: 3n,
    });
  });
});
