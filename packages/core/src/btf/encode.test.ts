import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BtfBuilder, BtfStrings, type BtfType, encodeBtf, ownTypes, parseBtf } from "./index.js";

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };

/** Types that refer only to id 0 and 1, which is an int, so that every mixture of them is a sound graph. */
const anyType: fc.Arbitrary<BtfType> = fc.oneof(
  ...(() => {
    const id = fc.integer({ min: 0, max: 1 });
    const name = fc.string({ maxLength: 12 }).filter((text) => !text.includes("\0"));
    const size = fc.constantFrom(1, 2, 4, 8);
    const linkage = fc.constantFrom("static" as const, "global" as const, "extern" as const);
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const record = fc.record;
    return [
      record({ kind: fc.constant("ptr" as const), type: id }),
      record({ kind: fc.constant("array" as const), type: id, indexType: id, length: fc.nat(1000) }),
      record({
        kind: fc.constantFrom("struct" as const, "union" as const),
        name,
        size: u32,
        members: fc.array(record({ name, type: id, bitOffset: fc.nat(0xffffff), bitSize: fc.nat(255) })),
      }),
      fc.boolean().chain((signed) =>
        record({
          kind: fc.constant("enum" as const),
          name,
          size,
          signed: fc.constant(signed),
          values: fc.array(
            record({ name, value: signed ? fc.bigInt(-(2n ** 31n), 2n ** 31n - 1n) : fc.bigInt(0n, 2n ** 32n - 1n) }),
          ),
        }),
      ),
      fc.boolean().chain((signed) =>
        record({
          kind: fc.constant("enum64" as const),
          name,
          size,
          signed: fc.constant(signed),
          values: fc.array(
            record({ name, value: signed ? fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) : fc.bigInt(0n, 2n ** 64n - 1n) }),
          ),
        }),
      ),
      record({ kind: fc.constant("fwd" as const), name, of: fc.constantFrom("struct" as const, "union" as const) }),
      record({
        kind: fc.constantFrom("typedef" as const, "volatile" as const, "const" as const, "restrict" as const),
        name,
        type: id,
      }),
      record({ kind: fc.constant("func" as const), name, type: id, linkage }),
      record({ kind: fc.constant("func_proto" as const), returns: id, params: fc.array(record({ name, type: id })) }),
      record({ kind: fc.constant("var" as const), name, type: id, linkage }),
      record({
        kind: fc.constant("datasec" as const),
        name,
        size: u32,
        variables: fc.array(record({ type: id, offset: u32, size: u32 })),
      }),
      record({ kind: fc.constant("float" as const), name, size: fc.constantFrom(2, 4, 8, 12, 16) }),
      record({
        kind: fc.constant("decl_tag" as const),
        name,
        type: id,
        component: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      }),
      record({ kind: fc.constant("type_tag" as const), name, type: id, attribute: fc.constant(true) }),
    ];
  })(),
);

describe("encodeBtf", () => {
  it("writes what parseBtf reads, any types in either byte order", () => {
    fc.assert(
      fc.property(fc.array(anyType), fc.boolean(), (types, littleEndian) => {
        const all = [int, ...types];
        const btf = parseBtf(encodeBtf(all, { littleEndian }));
        expect(ownTypes(btf)).toEqual(all);
        expect(encodeBtf(ownTypes(btf), { littleEndian })).toEqual(btf.bytes);
      }),
    );
  });

  it("keeps each string once and shares the table with others", () => {
    const strings = new BtfStrings();
    const offset = strings.add("int");
    const btf = parseBtf(encodeBtf([int, { kind: "typedef", name: "int", type: 1 }], { strings }));
    expect(offset).toBe(1);
    expect(btf.bytes.length).toBe(24 + 16 + 12 + 5);
    expect(() => strings.add("a\0b")).toThrow("NUL");
  });

  it("builds split BTF upon a base", () => {
    const base = new BtfBuilder();
    const intId = base.add(int);
    const split = new BtfBuilder(base.build());
    const pointer = split.add({ kind: "ptr", type: split.nextId + 1 });
    const list = split.add({
      kind: "struct",
      name: "list",
      size: 16,
      members: [
        { name: "next", type: pointer, bitOffset: 0, bitSize: 0 },
        { name: "value", type: intId, bitOffset: 64, bitSize: 0 },
      ],
    });
    const btf = split.build();
    expect([pointer, list, btf.length]).toEqual([2, 3, 4]);
    expect(btf.find("list")).toEqual([list]);
    expect(btf.type(list)).toMatchObject({ name: "list", members: [{ name: "next" }, { name: "value" }] });
    expect(btf.alignment(list)).toBe(8);
  });

  it("refuses what the format cannot hold", () => {
    const member = { name: "x", type: 1, bitOffset: 0, bitSize: 0 };
    const struct = (members: (typeof member)[]): BtfType => ({ kind: "struct", name: "", size: 4, members });
    expect(() => encodeBtf([struct(new Array(65536).fill(member))])).toThrow("65536 entries");
    expect(() => encodeBtf([struct([{ ...member, bitOffset: 2 ** 24, bitSize: 1 }])])).toThrow("2^24");
    const values = [{ name: "A", value: -1n }];
    expect(() => encodeBtf([{ kind: "enum", name: "e", size: 4, signed: false, values }])).toThrow(
      "does not fit 32 bits",
    );
    expect(() => new BtfBuilder().build().type(1)).toThrow("type 1 does not exist");
  });

  const vmlinux = "/sys/kernel/btf/vmlinux";
  it.skipIf(!existsSync(vmlinux))(
    "rewrites the running kernel's types (skipped without /sys/kernel/btf/vmlinux)",
    () => {
      const kernel = parseBtf(readFileSync(vmlinux));
      const types = ownTypes(kernel);
      expect(ownTypes(parseBtf(encodeBtf(types)))).toEqual(types);
    },
  );
});
