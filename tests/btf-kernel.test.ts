import { readdirSync, readFileSync } from "node:fs";
import { type Btf, type BtfType, checkBtf, encodeBtf, mergeBtf, ownTypes, parseBtf } from "@tsbpf/core/btf";
import { readObject } from "@tsbpf/core/object";
import fc from "fast-check";
import { expect, it } from "vitest";
import { FileDescriptor, loadBtf } from "../packages/linux/src/sys/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

/** The kernel's verdict, and its log where it refuses. */
function kernelVerdict(bytes: Uint8Array): { accepted: boolean; log: string } {
  const { result, log } = loadBtf(bytes);
  if (result >= 0) new FileDescriptor(result, "BTF").close();
  return { accepted: result >= 0, log };
}

function expectSameVerdict(btf: Btf, what = ""): void {
  const problems = checkBtf(btf);
  const kernel = kernelVerdict(btf.bytes);
  expect({ what, accepted: problems.length === 0, problems, log: kernel.log }).toMatchObject({
    accepted: kernel.accepted,
  });
}

const testdata = new URL("../testdata/", import.meta.url);
const objects = ["btf/", "core/", "objects/"]
  .flatMap((folder) => readdirSync(new URL(folder, testdata)).map((name) => folder + name))
  .filter((name) => name.endsWith(".o") && !name.includes("big-endian"))
  .flatMap((name) => {
    const { btf } = readObject(new Uint8Array(readFileSync(new URL(name, testdata))));
    return btf === undefined ? [] : [{ name, btf }];
  });

const names = ["", "a", "b", "_c.d", "1st", "a b", "ü"];
const id = fc.nat(9);
const name = fc.constantFrom(...names);
const bit = fc.oneof(fc.constantFrom(0, 8, 32, 64), fc.nat(100));
const byte = fc.constantFrom(0, 1, 2, 4, 8, 16);
const size = fc.constantFrom(1, 2, 4, 8);
const linkage = fc.constantFrom("static" as const, "global" as const, "extern" as const);
const member = fc.record({
  name,
  type: id,
  bitOffset: bit,
  bitSize: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(40)),
});

/** Types that refer to ten ids at random, and are right more often than not. */
const anyType: fc.Arbitrary<BtfType> = fc.oneof(
  fc
    .record({
      kind: fc.constant("int" as const),
      name,
      size,
      encoding: fc.constantFrom("unsigned" as const, "bool" as const),
    })
    .chain((int) =>
      fc.record({
        ...constants(int),
        bitOffset: fc.constantFrom(0, 0, 0, 3),
        bits: fc.constantFrom(int.size * 8, int.size * 8, 5),
      }),
    )
    .map((int) => ({ ...int, bits: Math.min(int.bits, int.size * 8 - int.bitOffset) })),
  fc.record({ kind: fc.constant("ptr" as const), type: id }),
  fc.record({ kind: fc.constant("array" as const), type: id, indexType: id, length: fc.nat(4) }),
  fc.record({
    kind: fc.constantFrom("struct" as const, "union" as const),
    name,
    size: byte,
    members: fc.array(member, { maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant("enum" as const),
    name,
    size,
    signed: fc.boolean(),
    values: fc.array(fc.record({ name, value: fc.bigInt(0n, 5n) }), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("fwd" as const), name, of: fc.constantFrom("struct" as const, "union" as const) }),
  fc.record({
    kind: fc.constantFrom("typedef" as const, "const" as const, "volatile" as const, "restrict" as const),
    name,
    type: id,
  }),
  fc.record({ kind: fc.constantFrom("const" as const, "volatile" as const), name: fc.constant(""), type: id }),
  fc.record({
    kind: fc.constant("func_proto" as const),
    returns: id,
    params: fc.array(fc.record({ name, type: id }), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("func" as const), name, type: id, linkage }),
  fc.record({ kind: fc.constant("var" as const), name, type: id, linkage }),
  fc.record({
    kind: fc.constant("datasec" as const),
    name: fc.constantFrom(".data", "", "?x y", "\u0001"),
    size: byte,
    variables: fc.array(fc.record({ type: id, offset: byte, size: byte }), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("float" as const), name, size: fc.constantFrom(4, 8) }),
  fc.record({ kind: fc.constant("decl_tag" as const), name, type: id, component: fc.integer({ min: -1, max: 2 }) }),
  fc.record({ kind: fc.constant("type_tag" as const), name, type: id }),
);

function constants<T extends object>(values: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, fc.constant(value)])) as never;
}

function parsed(types: readonly BtfType[]): Btf | undefined {
  try {
    return parseBtf(encodeBtf(types));
  } catch {
    return undefined;
  }
}

describeKernel("BTF and the kernel's checker", () => {
  it("agree on types put together at random, alone beside an int and in tens", () => {
    const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
    const seen = { accepted: 0, refused: 0, unsound: 0 };
    const judge = (types: readonly BtfType[]) => {
      const btf = parsed(types);
      if (btf === undefined) {
        // Not even a graph to us: then the kernel may not take it either.
        expect(kernelVerdict(encodeBtf(types)).accepted, JSON.stringify(types.map((each) => each.kind))).toBe(false);
        seen.unsound++;
        return;
      }
      expectSameVerdict(btf);
      seen[checkBtf(btf).length === 0 ? "accepted" : "refused"]++;
    };
    const small = (type: BtfType): BtfType[] => [
      int,
      { kind: "ptr", type: 1 },
      { kind: "func_proto", returns: 0, params: [] },
      { kind: "struct", name: "s", size: 4, members: [{ name: "m", type: 1, bitOffset: 0, bitSize: 0 }] },
      { kind: "var", name: "v", type: 1, linkage: "global" },
      { kind: "fwd", name: "f", of: "struct" },
      { kind: "const", name: "", type: 1 },
      { kind: "int", name: "odd", size: 4, encoding: "signed", bitOffset: 0, bits: 7 },
      type,
      int,
    ];
    fc.assert(
      fc.property(anyType, (type) => judge(small(type))),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.array(anyType, { minLength: 9, maxLength: 9 }), (types) => judge([int, ...types])),
      { numRuns: 500 },
    );
    expect(seen.accepted).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(100);
  });

  it("agree on how deep chains may be, in either order", () => {
    const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
    for (const length of [30, 31, 32, 33, 40]) {
      const links: ((target: number) => BtfType)[] = [
        (type) => ({ kind: "const", name: "", type }),
        (type) => ({ kind: "ptr", type }),
        (type) => ({ kind: "array", type, indexType: 1, length: 1 }),
        (type) => ({ kind: "struct", name: "s", size: 4, members: [{ name: "m", type, bitOffset: 0, bitSize: 0 }] }),
        (type) => ({ kind: "typedef", name: "t", type }),
      ];
      for (const link of links) {
        const up = Array.from({ length }, (_, i) => link(i + 1));
        const down = Array.from({ length }, (_, i) => link(i === length - 1 ? 1 : i + 3));
        expectSameVerdict(parseBtf(encodeBtf([int, ...up])), `${length} ${up[0]!.kind} up`);
        expectSameVerdict(parseBtf(encodeBtf([int, ...down])), `${length} ${down[0]!.kind} down`);
      }
    }
  });

  it("agree on what compilers write, before and after it is written again", () => {
    for (const { btf } of objects) {
      expectSameVerdict(btf);
      expectSameVerdict(parseBtf(encodeBtf(ownTypes(btf))));
    }
  });

  it("take the merged types of all objects", () => {
    // Without data sections, whose sizes and offsets are for the loader to fill in, and without externs.
    const plain = objects.map(({ btf }) => {
      const int: BtfType = { kind: "int", name: "unused", size: 1, encoding: "unsigned", bitOffset: 0, bits: 8 };
      const types = ownTypes(btf).map((type) => {
        const unplaced = type.kind === "datasec" || ("linkage" in type && type.linkage === "extern");
        return unplaced ? int : type;
      });
      return parseBtf(encodeBtf(types));
    });
    const loadable = plain.filter((btf) => checkBtf(btf).length === 0);
    expect(loadable.length).toBeGreaterThan(10);
    const { btf, ids } = mergeBtf(loadable);
    expect(kernelVerdict(btf.bytes)).toEqual({ accepted: true, log: "" });
    const before = loadable.reduce((sum, each) => sum + each.length, 0);
    expect(btf.length).toBeLessThan(before / 2);
    for (const [i, each] of loadable.entries()) {
      for (let old = 0; old < each.length; old++) expect(btf.name(ids[i]![old]!)).toBe(each.name(old));
    }
  });
});
