import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coarsestPartition } from "./bisimulation.js";
import { type Btf, BtfBuilder, type BtfType, dedupBtf, mapTypeIds, mergeBtf, ownTypes, type TypeId } from "./index.js";

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };
const field = (name: string, type: TypeId, bitOffset = 0) => ({ name, type, bitOffset, bitSize: 0 });

function graph(...types: BtfType[]): Btf {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return builder.build();
}

/** A list of structs that point to themselves; `order` shifts ids, so that equal graphs don't look equal. */
function list(order: "pointer first" | "struct first", member = "next"): Btf {
  const [pointer, struct] = order === "pointer first" ? [2, 3] : [3, 2];
  const types: Record<number, BtfType> = {
    [pointer]: { kind: "ptr", type: struct },
    [struct]: { kind: "struct", name: "list", size: 16, members: [field(member, pointer), field("value", 1, 64)] },
  };
  return graph(int, types[2]!, types[3]!);
}

describe("mergeBtf", () => {
  it("keeps one of two structs that point to themselves, and keeps apart those that differ", () => {
    const { btf, ids } = mergeBtf([list("pointer first"), list("struct first"), list("pointer first", "previous")]);
    expect(btf.length).toBe(6);
    expect(ids).toEqual([
      [0, 1, 2, 3],
      [0, 1, 3, 2],
      [0, 1, 4, 5],
    ]);
    expect(btf.find("list")).toHaveLength(2);
  });

  it("keeps apart what differs only behind pointers", () => {
    const behind = (name: string) =>
      graph(
        int,
        { kind: "ptr", type: 3 },
        { kind: "struct", name, size: 4, members: [field("x", 1)] },
        { kind: "ptr", type: 2 },
      );
    const { btf, ids } = mergeBtf([behind("a"), behind("b"), behind("a")]);
    expect(btf.length).toBe(8);
    expect(ids[0]).toEqual(ids[2]);
    expect(ids[1]!.slice(2).some((id) => ids[0]!.includes(id))).toBe(false);
  });

  it("takes a forward declaration for the one struct of its name, and what points to it with it", () => {
    const declares = graph({ kind: "fwd", name: "sock", of: "struct" }, { kind: "ptr", type: 1 });
    const defines = graph(
      int,
      { kind: "struct", name: "sock", size: 4, members: [field("x", 1)] },
      { kind: "ptr", type: 2 },
    );
    const other = graph(int, { kind: "struct", name: "sock", size: 4, members: [field("y", 1)] });
    const one = mergeBtf([declares, defines]);
    expect(ownTypes(one.btf).map((type) => type.kind)).toEqual(["ptr", "int", "struct"]);
    expect(one.ids).toEqual([
      [0, 3, 1],
      [0, 2, 3, 1],
    ]);
    // With two it isn't known which of them is meant.
    expect(ownTypes(mergeBtf([declares, defines, other]).btf).filter((type) => type.kind === "fwd")).toHaveLength(1);
    const union = graph({ kind: "fwd", name: "sock", of: "union" });
    expect(ownTypes(mergeBtf([union, defines]).btf).filter((type) => type.kind === "fwd")).toHaveLength(1);
  });

  it("takes an enum without enumerators for the one that has them", () => {
    const declares = graph(
      { kind: "enum", name: "color", size: 4, signed: false, values: [] },
      { kind: "ptr", type: 1 },
    );
    const defines = graph({
      kind: "enum",
      name: "color",
      size: 4,
      signed: false,
      values: [{ name: "RED", value: 0n }],
    });
    const { btf, ids } = mergeBtf([declares, defines]);
    expect(btf.length).toBe(3);
    expect(btf.type(ids[0]![1]!)).toMatchObject({ values: [{ name: "RED" }] });
  });

  it("keeps variables and sections, which are two even if they look alike", () => {
    const data = graph(
      int,
      { kind: "var", name: "counter", type: 1, linkage: "static" },
      { kind: "datasec", name: ".bss", size: 4, variables: [{ type: 2, offset: 0, size: 4 }] },
    );
    const { btf, ids } = mergeBtf([data, data]);
    expect(ids).toEqual([
      [0, 1, 2, 3],
      [0, 1, 4, 5],
    ]);
    expect(btf.type(5)).toMatchObject({ variables: [{ type: 4 }] });
  });

  it("merges split graphs upon their base", () => {
    const base = graph(int);
    const split = () => {
      const builder = new BtfBuilder(base);
      builder.add({ kind: "ptr", type: 1 });
      return builder.build();
    };
    const { btf, ids } = mergeBtf([split(), split()]);
    expect(btf.base).toBe(base);
    expect(btf.length).toBe(3);
    expect(ids).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(() => mergeBtf([split(), base])).toThrow("different bases");
  });

  it("says of every type what its graph said, whatever the graphs", () => {
    const type = fc.oneof(
      fc.record({ kind: fc.constant("ptr" as const), type: fc.nat(6) }),
      fc.record({ kind: fc.constant("typedef" as const), name: fc.constantFrom("a", "b"), type: fc.nat(6) }),
      fc.record({
        kind: fc.constant("func_proto" as const),
        returns: fc.nat(6),
        params: fc.array(fc.record({ name: fc.constant(""), type: fc.nat(6) }), { maxLength: 2 }),
      }),
      fc.record({
        kind: fc.constant("struct" as const),
        name: fc.constantFrom("s", "t"),
        size: fc.constant(8),
        members: fc.array(
          fc.record({
            name: fc.constantFrom("x", "y"),
            type: fc.nat(6),
            bitOffset: fc.constant(0),
            bitSize: fc.constant(0),
          }),
          { maxLength: 2 },
        ),
      }),
    );
    const anyGraph = fc.array(type, { minLength: 6, maxLength: 6 }).chain((types) => {
      try {
        return fc.constant(graph(...types));
      } catch {
        return fc.constant(graph(int, int, int, int, int, int));
      }
    });
    fc.assert(
      fc.property(fc.array(anyGraph, { minLength: 1, maxLength: 3 }), (graphs) => {
        const { btf, ids } = mergeBtf(graphs);
        for (const [i, each] of graphs.entries()) {
          for (let id = 1; id < each.length; id++) {
            expect(btf.type(ids[i]![id]!)).toEqual(mapTypeIds(each.type(id), (old) => ids[i]![old]!));
          }
        }
        expect(dedupBtf(btf).btf.length).toBe(btf.length);
        expect(mergeBtf([btf, ...graphs]).btf.length).toBe(btf.length);
      }),
    );
  });
});

describe("coarsestPartition", () => {
  /** The definition, round by round over all nodes. */
  function naive(labels: readonly string[], edges: readonly (readonly number[])[]): number[] {
    let classes = labels.map((label) => [...new Set(labels)].indexOf(label));
    for (;;) {
      const keys = classes.map((own, node) => `${own}:${edges[node]!.map((to) => (to < 0 ? to : classes[to])).join()}`);
      const next = keys.map((key) => [...new Set(keys)].indexOf(key));
      if (new Set(next).size === new Set(classes).size) return classes;
      classes = next;
    }
  }

  const normal = (classes: Iterable<number>) => {
    const list = [...classes];
    return list.map((own) => list.indexOf(own));
  };

  it("is the one that the definition gives, for any graph", () => {
    const nodes = fc.integer({ min: 1, max: 24 }).chain((count) =>
      fc.array(
        fc.record({
          label: fc.constantFrom("a", "b"),
          edges: fc.array(fc.integer({ min: -2, max: count - 1 }), { maxLength: 3 }),
        }),
        {
          minLength: count,
          maxLength: count,
        },
      ),
    );
    fc.assert(
      fc.property(nodes, (list) => {
        const labels = list.map(({ label, edges }) => label + edges.length);
        const edges = list.map((node) => node.edges);
        expect(normal(coarsestPartition(labels, edges))).toEqual(normal(naive(labels, edges)));
      }),
      { numRuns: 1000 },
    );
  });

  it("takes no quadratic time on a chain, which tells its nodes apart one a round", () => {
    const count = 100_000;
    const labels = new Array<string>(count).fill("");
    const edges = Array.from({ length: count }, (_, i) => [i === 0 ? -1 : i - 1]);
    const classes = coarsestPartition(labels, edges);
    expect(new Set(classes).size).toBe(count);
  });
});
