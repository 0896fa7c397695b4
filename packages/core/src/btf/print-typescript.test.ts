import { describe, expect, it } from "vitest";
import { BtfBuilder, printTypeScript, type TypeId } from "./index.js";

const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

describe("printTypeScript", () => {
  const b = new BtfBuilder();
  const int = (name: string, size: number, encoding: "unsigned" | "signed" | "bool") =>
    b.add({ kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 });
  const char = int("char", 1, "signed");
  const u8 = int("unsigned char", 1, "unsigned");
  const u32 = b.add({ kind: "typedef", name: "__u32", type: int("unsigned int", 4, "unsigned") });
  const u64 = int("unsigned long", 8, "unsigned");
  const arrayOf = (type: TypeId, length: number) => b.add({ kind: "array", type, indexType: u32, length });
  const verdict = b.add({
    kind: "enum",
    name: "verdict",
    size: 4,
    signed: false,
    values: [
      { name: "PASS", value: 0n },
      { name: "DROP", value: 1n },
    ],
  });
  const pair = b.add({ kind: "struct", name: "", size: 8, members: [field("x", u32, 0), field("y", u32, 32)] });
  const pairName = b.add({ kind: "typedef", name: "pair_t", type: pair });
  const inner = b.add({
    kind: "union",
    name: "",
    size: 4,
    members: [field("word", u32, 0), field("b", arrayOf(u8, 4), 0)],
  });
  const named = b.add({ kind: "struct", name: "", size: 4, members: [field("deep", u32, 0)] });
  const self = b.add({ kind: "ptr", type: b.nextId + 1 });
  const event = b.add({
    kind: "struct",
    name: "event",
    size: 120,
    members: [
      field("next", self, 0),
      field("comm", arrayOf(char, 16), 64),
      field("mac", arrayOf(u8, 6), 192),
      field("flags", u64, 256, 3),
      field("wide", u64, 259, 40),
      field("cookie", u64, 320),
      field("ok", int("_Bool", 1, "bool"), 384),
      field("verdict", verdict, 416),
      field("pairs", arrayOf(pairName, 2), 448),
      field("", inner, 576),
      field("nested", named, 608),
      field("ratio", b.add({ kind: "float", name: "double", size: 8 }), 640),
      field("verdicts", arrayOf(verdict, 2), 704),
      field("odd-name", u32, 768),
    ],
  });
  const again = b.add({ kind: "struct", name: "event", size: 4, members: [field("other", u32, 0)] });
  const btf = b.build();

  it("declares what decoding gives", () => {
    expect(printTypeScript(btf, [event, again])).toBe(`export type verdict = "PASS" | "DROP" | number;

export interface pair_t {
  x: number;
  y: number;
}

export interface event {
  next: bigint;
  comm: string | Uint8Array;
  mac: Uint8Array;
  flags: number;
  wide: bigint;
  cookie: bigint;
  ok: boolean;
  verdict: verdict;
  pairs: pair_t[];
  word: number;
  b: Uint8Array;
  nested: {
    deep: number;
  };
  ratio: number;
  verdicts: verdict[];
  "odd-name": number;
}

export interface event_2 {
  other: number;
}
`);
  });

  it("declares all named types unless told which", () => {
    const names = [...printTypeScript(btf).matchAll(/^export \w+ (\w+)/gm)].map((match) => match[1]);
    expect(names).toEqual(["verdict", "pair_t", "event", "event_2"]);
  });
});
