import { describe, expect, it } from "vitest";
import { BtfBuilder, printRaw } from "./index.js";

describe("printRaw", () => {
  it("prints each kind as bpftool does", () => {
    const b = new BtfBuilder();
    b.add({ kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 });
    b.add({ kind: "int", name: "u", size: 1, encoding: "unsigned", bitOffset: 0, bits: 8 });
    b.add({ kind: "array", type: 1, indexType: 2, length: 3 });
    const member = (name: string, bitOffset: number, bitSize: number) => ({ name, type: 1, bitOffset, bitSize });
    b.add({ kind: "struct", name: "s", size: 8, members: [member("a", 0, 3), member("", 32, 0)] });
    b.add({ kind: "enum", name: "", size: 4, signed: true, values: [{ name: "A", value: -1n }] });
    b.add({ kind: "enum64", name: "e", size: 8, signed: false, values: [{ name: "B", value: 2n ** 63n }] });
    b.add({ kind: "fwd", name: "f", of: "union" });
    b.add({ kind: "const", name: "", type: 0 });
    b.add({
      kind: "func_proto",
      returns: 0,
      params: [
        { name: "p", type: 8 },
        { name: "", type: 0 },
      ],
    });
    b.add({ kind: "func", name: "fn", type: 9, linkage: "global" });
    b.add({ kind: "var", name: "v", type: 1, linkage: "static" });
    b.add({ kind: "datasec", name: ".data", size: 0, variables: [{ type: 11, offset: 4, size: 4 }] });
    b.add({ kind: "float", name: "double", size: 8 });
    b.add({ kind: "decl_tag", name: "tag", type: 4, component: 1 });
    b.add({ kind: "type_tag", name: "user", type: 1 });
    expect(printRaw(b.build())).toBe(`[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] INT 'u' size=1 bits_offset=0 nr_bits=8 encoding=(none)
[3] ARRAY '(anon)' type_id=1 index_type_id=2 nr_elems=3
[4] STRUCT 's' size=8 vlen=2
\t'a' type_id=1 bits_offset=0 bitfield_size=3
\t'(anon)' type_id=1 bits_offset=32
[5] ENUM '(anon)' encoding=SIGNED size=4 vlen=1
\t'A' val=-1
[6] ENUM64 'e' encoding=UNSIGNED size=8 vlen=1
\t'B' val=9223372036854775808ULL
[7] FWD 'f' fwd_kind=union
[8] CONST '(anon)' type_id=0
[9] FUNC_PROTO '(anon)' ret_type_id=0 vlen=2
\t'p' type_id=8
\t'(anon)' type_id=0
[10] FUNC 'fn' type_id=9 linkage=global
[11] VAR 'v' type_id=1, linkage=static
[12] DATASEC '.data' size=0 vlen=1
\ttype_id=11 offset=4 size=4 (VAR 'v')
[13] FLOAT 'double' size=8
[14] DECL_TAG 'tag' type_id=4 component_idx=1
[15] TYPE_TAG 'user' type_id=1
`);
    expect(printRaw(b.build(), [13])).toBe("[13] FLOAT 'double' size=8\n");
  });
});
