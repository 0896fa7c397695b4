import { describe, expect, it } from "vitest";
import { BtfBuilder } from "../btf/index.js";
import { btfCodec, mapCodecs } from "./index.js";

function flowTypes() {
  const builder = new BtfBuilder();
  const u32 = builder.add({ kind: "int", name: "unsigned int", size: 4, encoding: "unsigned", bitOffset: 0, bits: 32 });
  const members = ["packets", "bytes"].map((name, i) => ({ name, type: u32, bitOffset: i * 32, bitSize: 0 }));
  const counter = builder.add({ kind: "struct", name: "counter", size: 8, members });
  return { btf: builder.build(), u32, counter };
}

describe("codecs from BTF", () => {
  it("give objects and take them back", () => {
    const { btf, counter } = flowTypes();
    const codec = btfCodec(btf, counter);
    const bytes = codec.encode({ packets: 1, bytes: 600 });
    expect(codec.decode(bytes)).toEqual({ packets: 1, bytes: 600 });
    expect(codec.decode(bytes.subarray(0, 4))).toEqual(bytes.subarray(0, 4));
  });

  it("are those of a map's types, and bytes where type and size disagree", () => {
    const { btf, u32, counter } = flowTypes();
    const typed = mapCodecs({ keySize: 4, valueSize: 8, keyTypeId: u32, valueTypeId: counter }, btf);
    expect(typed.key.decode(Uint8Array.of(2, 0, 0, 0))).toBe(2);
    expect(typed.value.decode(new Uint8Array(8))).toEqual({ packets: 0, bytes: 0 });
    const wrong = mapCodecs({ keySize: 4, valueSize: 16, keyTypeId: u32, valueTypeId: counter }, btf);
    expect(wrong.value.decode(new Uint8Array(16))).toEqual(new Uint8Array(16));
    expect(mapCodecs({ keySize: 0, valueSize: 0, keyTypeId: 0, valueTypeId: counter }, btf).value.size).toBe(8);
  });
});
