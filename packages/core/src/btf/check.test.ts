import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BtfBuilder, type BtfType, checkBtf, parseBtf, type TypeId } from "./index.js";

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

// That the kernel agrees, on these and thousands of others, is tests/btf-kernel.test.ts's to see.
describe("checkBtf", () => {
  const struct = (...members: ReturnType<typeof field>[]): BtfType => ({ kind: "struct", name: "s", size: 4, members });
  const proto = (...params: { name: string; type: TypeId }[]): BtfType => ({ kind: "func_proto", returns: 0, params });
  const cases: [string, BtfType[], string | undefined][] = [
    ["an int", [], undefined],
    ["a struct", [struct(field("x", 1, 0))], undefined],
    ["a member beyond its struct", [struct(field("x", 1, 8))], "member 0: Member exceeds struct_size"],
    [
      "members in disorder",
      [struct(field("x", 1, 0), field("y", 1, 16, 4), field("z", 1, 8, 4))],
      "member 2: Invalid member bits_offset",
    ],
    ["a member of type void", [struct(field("x", 0, 0))], "member 0: Invalid type_id"],
    ["a bit field wider than its type", [struct(field("x", 1, 0, 33))], "member 0: Invalid member bitfield_size"],
    [
      "a union's member with an offset",
      [{ kind: "union", name: "", size: 8, members: [field("x", 1, 32)] }],
      "member 0: Invalid member bits_offset",
    ],
    ["a name that is none", [{ kind: "typedef", name: "a b", type: 1 }], "Invalid name"],
    ["a pointer to an int", [{ kind: "ptr", type: 1 }], undefined],
    [
      "a pointer to a variable",
      [
        { kind: "ptr", type: 3 },
        { kind: "var", name: "v", type: 1, linkage: "global" },
      ],
      "Invalid type_id",
    ],
    [
      "an array indexed by a struct",
      [struct(field("x", 1, 0)), { kind: "array", type: 1, indexType: 2, length: 1 }],
      "Invalid index",
    ],
    ["an array of functions", [proto(), { kind: "array", type: 2, indexType: 1, length: 1 }], "Invalid elem"],
    [
      "a function of unnamed parameters",
      [proto({ name: "", type: 1 }), { kind: "func", name: "f", type: 2, linkage: "static" }],
      "Invalid arg#1",
    ],
    ["a function that is an int", [{ kind: "func", name: "f", type: 1, linkage: "static" }], "Invalid type_id"],
    ["an extern function", [proto(), { kind: "func", name: "f", type: 2, linkage: "extern" }], "Invalid func linkage"],
    ["dots before the end", [proto({ name: "", type: 0 }, { name: "a", type: 1 })], "Invalid arg#1"],
    ["an extern variable", [{ kind: "var", name: "v", type: 1, linkage: "extern" }], "Linkage not supported"],
    ["a section without a size", [{ kind: "datasec", name: ".bss", size: 0, variables: [] }], "size == 0"],
    [
      "variables on top of each other",
      [
        { kind: "var", name: "v", type: 1, linkage: "global" },
        {
          kind: "datasec",
          name: ".bss",
          size: 8,
          variables: [
            { type: 2, offset: 0, size: 4 },
            { type: 2, offset: 2, size: 4 },
          ],
        },
      ],
      "variable 1: Invalid offset",
    ],
    [
      "a tag of a part that isn't there",
      [struct(field("x", 1, 0)), { kind: "decl_tag", name: "t", type: 2, component: 1 }],
      "Invalid component_idx",
    ],
    [
      "a type tag behind a qualifier",
      [
        { kind: "type_tag", name: "t", type: 1 },
        { kind: "const", name: "", type: 2 },
      ],
      "Type tags don't precede modifiers",
    ],
    [
      "an enum that is only declared",
      [{ kind: "enum", name: "e", size: 0, signed: false, values: [] }],
      "Unexpected size",
    ],
  ];
  it.each(cases)("%s", (_, types, message) => {
    const builder = new BtfBuilder();
    for (const type of [int, ...types]) builder.add(type);
    const problems = checkBtf(builder.build());
    expect(problems.map((problem) => problem.message)).toEqual(message === undefined ? [] : [message]);
  });

  it("has its word on chains and on nothing at all", () => {
    const builder = new BtfBuilder();
    for (let id = 1; id <= 40; id++) builder.add({ kind: "ptr", type: id + 1 });
    builder.add(int);
    expect(checkBtf(builder.build())).toEqual([{ typeId: 1, message: "Exceeded max resolving depth:32" }]);
    expect(checkBtf(new BtfBuilder().build())).toEqual([{ typeId: 0, message: "No type found" }]);
  });

  const vmlinux = "/sys/kernel/btf/vmlinux";
  it.skipIf(!existsSync(vmlinux))("has nothing against the running kernel's (skipped without its BTF)", () => {
    expect(checkBtf(parseBtf(readFileSync(vmlinux)))).toEqual([]);
  });
});
