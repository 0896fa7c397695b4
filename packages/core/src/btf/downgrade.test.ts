import { describe, expect, it } from "vitest";
import { type BtfFeatures, type BtfType, checkBtf, downgradeType, encodeBtf, ownTypes, parseBtf } from "./index.js";

const nothing: BtfFeatures = {
  functions: false,
  datasec: false,
  globalFunctions: false,
  float: false,
  declTags: false,
  typeTags: false,
  enum64: false,
  attributes: false,
};
const everything = Object.fromEntries(Object.keys(nothing).map((name) => [name, true])) as unknown as BtfFeatures;

const types: BtfType[] = [
  { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 },
  { kind: "float", name: "long double", size: 16 },
  { kind: "enum", name: "e", size: 4, signed: true, values: [{ name: "MINUS", value: -1n }] },
  { kind: "enum64", name: "wide", size: 8, signed: false, values: [{ name: "BIG", value: 1n << 40n }] },
  { kind: "type_tag", name: "user", type: 1, attribute: true },
  { kind: "ptr", type: 5 },
  { kind: "func_proto", returns: 1, params: [{ name: "x", type: 6 }] },
  { kind: "func", name: "f", type: 7, linkage: "global" },
  { kind: "decl_tag", name: "tag", type: 8, component: 0, attribute: true },
  { kind: "var", name: "v", type: 3, linkage: "global" },
  { kind: "datasec", name: ".data", size: 4, variables: [{ type: 10, offset: 0, size: 4 }] },
  {
    kind: "struct",
    name: "s",
    size: 32,
    members: [
      { name: "f", type: 2, bitOffset: 0, bitSize: 0 },
      { name: "w", type: 4, bitOffset: 128, bitSize: 0 },
      { name: "p", type: 6, bitOffset: 192, bitSize: 0 },
    ],
  },
  { kind: "ptr", type: 7 },
];

describe("downgradeType", () => {
  it("leaves what the kernel knows", () => {
    expect(types.map((type) => downgradeType(type, everything))).toEqual(types);
  });

  it("leaves nothing that Linux 4.18 doesn't know, and graphs that pass its checks, with sizes as they were", () => {
    const original = parseBtf(encodeBtf(types));
    const old = parseBtf(encodeBtf(types.map((type) => downgradeType(type, nothing))));
    const kinds = new Set(ownTypes(old).map((type) => type.kind));
    for (const kind of ["func", "func_proto", "var", "datasec", "float", "decl_tag", "type_tag", "enum64"] as const) {
      expect(kinds).not.toContain(kind);
    }
    expect(checkBtf(old)).toEqual([]);
    for (const id of [1, 2, 3, 4, 6, 12, 13]) expect(old.size(id)).toBe(original.size(id));
    // No record has a kind_flag: kernels before 6.0 refuse it on enums.
    expect(old.type(3)).toMatchObject({ signed: false, values: [{ name: "MINUS", value: 0xffffffffn }] });
  });

  it("changes no more than it has to", () => {
    const of = (index: number, features: Partial<BtfFeatures>) =>
      downgradeType(types[index]!, { ...everything, ...features });
    expect(of(7, { globalFunctions: false })).toEqual({ ...types[7], linkage: "static" });
    expect(of(7, { functions: false })).toEqual({ kind: "typedef", name: "f", type: 7 });
    expect(of(4, { attributes: false })).toEqual({ ...types[4], attribute: false });
    expect(of(4, { typeTags: false })).toEqual({ kind: "const", name: "", type: 1 });
    expect(of(8, { attributes: false })).toEqual({ ...types[8], attribute: false });
  });
});
