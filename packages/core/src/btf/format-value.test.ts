import { describe, expect, it } from "vitest";
import { BtfBuilder, formatBytes, formatValue, stringifyFormatted, type TypeId } from "./index.js";

const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

// The expected text is in the form that bpftool 7.1 prints.
function record() {
  const b = new BtfBuilder();
  const int = (name: string, size: number, encoding: "unsigned" | "signed" | "char" | "bool") =>
    b.add({ kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 });
  const char = int("char", 1, "signed");
  const u8 = int("unsigned char", 1, "unsigned");
  const u32 = int("unsigned int", 4, "unsigned");
  const s32 = int("int", 4, "signed");
  const u64 = int("unsigned long", 8, "unsigned");
  const arrayOf = (type: TypeId, length: number) => b.add({ kind: "array", type, indexType: u32, length });
  const color = b.add({ kind: "enum", name: "color", size: 4, signed: true, values: [{ name: "RED", value: -1n }] });
  const anonymous = b.add({
    kind: "union",
    name: "",
    size: 4,
    members: [field("w", u32, 0), field("b", arrayOf(u8, 4), 0)],
  });
  const single = b.add({ kind: "struct", name: "", size: 4, members: [field("a", s32, 0)] });
  const members = [
    field("name", arrayOf(char, 8), 0),
    field("raw", arrayOf(char, 4), 64),
    field("sc", int("signed char", 1, "signed"), 96),
    field("ok", int("_Bool", 1, "bool"), 104),
    field("c", int("old char", 1, "char"), 112),
    field("n", int("old char", 1, "char"), 120),
    field("low", u32, 128, 3),
    field("sign", s32, 131, 5),
    field("kind", color, 160),
    field("s", int("long", 8, "signed"), 192),
    field("p", b.add({ kind: "ptr", type: 0 }), 256),
    field("", anonymous, 320),
    field("", single, 352),
    field("bad", color, 384),
    field("grid", arrayOf(arrayOf(u8, 2), 2), 416),
    field("i128", int("__int128", 16, "signed"), 512),
    field("wide", u64, 640, 40),
    field("ratio", b.add({ kind: "float", name: "float", size: 4 }), 704),
  ];
  const id = b.add({ kind: "struct", name: "rec", size: 96, members });
  const counter = b.add({ kind: "var", name: "counter", type: s32, linkage: "global" });
  const data = b.add({ kind: "datasec", name: ".data", size: 4, variables: [{ type: counter, offset: 0, size: 4 }] });
  const bytes = new Uint8Array(96);
  bytes.set(new TextEncoder().encode("eth0\0xyzabcd"));
  bytes.set([0x80, 1, 0x41, 7, 0xfd, 0, 0, 0, 255, 255, 255, 255], 12);
  bytes.set([0xf0, 0x7e, 0xc2, 0x34, 0x7f, 0x06, 0x6e, 0xe3], 24);
  bytes.set(
    [0x94, 0xa0, 0x65, 0x68, 0x5d, 0x64, 0xc4, 0x98, 64, 67, 0, 2, 255, 255, 255, 255, 9, 0, 0, 0, 1, 2, 3, 4],
    32,
  );
  bytes.set([1, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0xec, 0x37, 0xbc, 0x97], 64);
  bytes.set([0, 0, 0xc0, 0x3f], 88);
  return { btf: b.build(), id, data, bytes };
}

describe("formatValue", () => {
  const { btf, id, data, bytes } = record();

  it("prints a value as bpftool map dump -j does", () => {
    expect(stringifyFormatted(formatValue(btf, id, bytes))).toBe(
      '{"name":"eth0","raw":[97,98,99,100],"sc":-128,"ok":true,"c":"A","n":"\\u0007","low":"0x5","sign":"0x1f",' +
        '"kind":"RED","s":-2058700836245963024,"p":11008033741546561684,"":{"w":33571648,"b":[64,67,0,2]},"":{"a":-1},' +
        '"bad":9,"grid":[[1,2],[3,4]],"i128":"0x80000000000000f00000000000000001","wide":"0x97bc37ec80","ratio":1.5}',
    );
  });

  it("prints it plainly and laid out as bpftool map dump does", () => {
    const text = stringifyFormatted(formatValue(btf, id, bytes, { plain: true }), { pretty: true, depth: 2 });
    expect(`"value": ${text}`).toContain(`"value": {
            "name": "eth0",
            "raw": [97,98,99,100
            ],
            "sc": -128,
            "ok": true,
            "c": "A",
            "n": 0x7,
            "low": 0x5,
            "sign": 0x1f,
            "kind": "RED",
            "s": -2058700836245963024,
            "p": 0x98c4645d6865a094,
            "": {
                "w": 33571648,
                "b": [64,67,0,2
                ]
            },
            "": {
                "a": -1
            },
            "bad": 9,
            "grid": [[1,2
                ],[3,4
                ]
            ],
            "i128": 0x80000000000000f00000000000000001,
            "wide": 0x97bc37ec80,
            "ratio": 1.5
        }`);
    const zero = stringifyFormatted(formatValue(btf, id, new Uint8Array(96), { plain: true }));
    expect(zero).toContain('"name":"","raw":"","sc":0,"ok":false,"c":0x0,"n":0x0');
    expect(zero).toContain('"p":(nil)');
  });

  it("prints data sections variable by variable, and bytes without BTF", () => {
    expect(stringifyFormatted(formatValue(btf, data, Uint8Array.of(7, 0, 0, 0)))).toBe('{".data":[{"counter":7}]}');
    const laidOut = stringifyFormatted(formatValue(btf, data, Uint8Array.of(7, 0, 0, 0)), { pretty: true, depth: 2 });
    expect(laidOut).toBe(
      '{\n            ".data": [{\n                    "counter": 7\n                }\n            ]\n        }',
    );
    expect(stringifyFormatted(formatBytes(Uint8Array.of(0, 255)))).toBe('["0x00","0xff"]');
  });

  it("refuses short bytes and types without values", () => {
    expect(() => formatValue(btf, id, bytes.subarray(1))).toThrow("96 bytes does not fit into 95");
    expect(() => formatValue(btf, 0, bytes)).toThrow("has no values");
  });
});

describe("formatValue with network", () => {
  it("writes what is in network order as people read it", () => {
    const b = new BtfBuilder();
    const int = (size: number) =>
      b.add({ kind: "int", name: `u${size}`, size, encoding: "unsigned", bitOffset: 0, bits: size * 8 });
    const [u8, u16, u32] = [int(1), int(2), int(4)];
    const be16 = b.add({ kind: "typedef", name: "__be16", type: u16 });
    const be32 = b.add({ kind: "typedef", name: "__be32", type: u32 });
    const alias = b.add({ kind: "const", name: "", type: b.add({ kind: "typedef", name: "addr_t", type: be32 }) });
    const bytes16 = b.add({ kind: "array", type: u8, indexType: u32, length: 16 });
    const in6 = b.add({ kind: "struct", name: "in6_addr", size: 16, members: [field("bytes", bytes16, 0)] });
    const members = [field("port", be16, 0), field("plain", u16, 16), field("saddr", alias, 32), field("six", in6, 64)];
    const flow = b.add({ kind: "struct", name: "flow", size: 24, members });
    const bytes = Uint8Array.from([1, 187, 1, 187, 192, 0, 2, 1, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    const format = (network: boolean) => stringifyFormatted(formatValue(b.build(), flow, bytes, { network }));
    expect(format(true)).toBe('{"port":443,"plain":47873,"saddr":"192.0.2.1","six":"fe80::9"}');
    expect(JSON.parse(format(false))).toMatchObject({ port: 47873, saddr: 0x010200c0 });
  });
});
